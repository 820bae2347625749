#include "live.h"

#include <errno.h>
#include <sys/mman.h>

enum {
    SLOTS_FIRST = 256,
    HUGE_PAGE_BYTES = 2 << 20,
};

/* Large tables get large pages where the system gives them on request: far fewer TLB misses. */
static struct block *live_map(size_t slot_count)
{
    size_t bytes = slot_count * sizeof(struct block);
    void *slots =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED) {
        return NULL;
    }
    if (bytes >= HUGE_PAGE_BYTES) {
        madvise(slots, bytes, MADV_HUGEPAGE);
    }
    return slots;
}

static void live_unmap(const struct live *live)
{
    if (live->slots != NULL) {
        munmap(live->slots, live->slot_count * sizeof(struct block));
    }
}

static int live_grow(struct live *live)
{
    struct live grown = {
        .slot_count = live->slot_count == 0 ? SLOTS_FIRST : live->slot_count * 2,
        .block_count = live->block_count,
    };
    grown.shift = 64u - (unsigned)__builtin_ctzll(grown.slot_count);
    grown.slots = live_map(grown.slot_count);
    if (grown.slots == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < live->slot_count; i++) {
        if (live->slots[i].address == 0) {
            continue;
        }
        size_t at = live_home(&grown, live->slots[i].address);
        while (grown.slots[at].address != 0) {
            at = (at + 1) & (grown.slot_count - 1);
        }
        grown.slots[at] = live->slots[i];
    }
    live_unmap(live);
    *live = grown;
    return 0;
}

struct block *live_find(const struct live *live, uint64_t address)
{
    if (live->slot_count == 0) {
        return NULL;
    }
    size_t at = live_home(live, address);
    while (live->slots[at].address != 0) {
        if (live->slots[at].address == address) {
            return &live->slots[at];
        }
        at = (at + 1) & (live->slot_count - 1);
    }
    return NULL;
}

int live_insert(struct live *live, const struct block *block)
{
    if (live->block_count * 8 >= live->slot_count * 5) {
        int r = live_grow(live);
        if (r < 0) {
            return r;
        }
    }
    size_t at = live_home(live, block->address);
    while (live->slots[at].address != 0) {
        at = (at + 1) & (live->slot_count - 1);
    }
    live->slots[at] = *block;
    live->block_count++;
    return 0;
}

/* Closes the gap, so that no later block is cut off from its home slot. */
void live_remove(struct live *live, struct block *block)
{
    size_t mask = live->slot_count - 1;
    size_t gap = (size_t)(block - live->slots);
    size_t at = gap;
    for (;;) {
        at = (at + 1) & mask;
        if (live->slots[at].address == 0) {
            break;
        }
        size_t home = live_home(live, live->slots[at].address);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            live->slots[gap] = live->slots[at];
            gap = at;
        }
    }
    live->slots[gap].address = 0;
    live->block_count--;
}

const struct block *live_next(const struct live *live, size_t *cursor)
{
    while (*cursor < live->slot_count) {
        const struct block *block = &live->slots[(*cursor)++];
        if (block->address != 0) {
            return block;
        }
    }
    return NULL;
}

void live_fini(struct live *live)
{
    live_unmap(live);
    *live = (struct live){0};
}
