#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    SLOTS_FIRST = 256,
    HUGE_PAGE_BYTES = 2 << 20,
};

static void live_path(const struct live *live, const char *suffix, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/live-%u%s", live->directory, live->file_id, suffix);
}

/* Room that is left to others: what lies in memory must not crowd out the program. */
static bool live_has_room(int fd, size_t bytes)
{
    struct statvfs status;
    return fstatvfs(fd, &status) == 0 &&
           (uint64_t)status.f_bavail * status.f_frsize >= 2 * (uint64_t)bytes;
}

/* Slots in a file that is yet to be named. NULL: there is no room for one. */
static struct block *live_map_file(const struct live *live, size_t bytes)
{
    char path[PATH_MAX];
    live_path(live, ".new", path);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return NULL;
    }
    void *slots = MAP_FAILED;
    if (live_has_room(fd, bytes) && posix_fallocate(fd, 0, (off_t)bytes) == 0) {
        slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    }
    close(fd);
    if (slots == MAP_FAILED) {
        unlink(path);
        return NULL;
    }
    return slots;
}

/* Large tables get large pages where the system gives them on request: far fewer TLB misses. */
static struct block *live_map(size_t bytes)
{
    void *slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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

static void live_remove_file(const struct live *live)
{
    char path[PATH_MAX];
    if (live->directory != NULL) {
        live_path(live, "", path);
        unlink(path);
    }
}

/* Says to who looks for the blocks that there were some. */
static void live_empty_file(const struct live *live)
{
    char path[PATH_MAX];
    live_path(live, "", path);
    unlink(path); /* never cut short: its slots are mapped and still in use */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        close(fd);
    }
}

/* The file of the grown table takes the place of the old one in one step. */
static void live_name_file(const struct live *live)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    live_path(live, ".new", from);
    live_path(live, "", to);
    if (rename(from, to) != 0) {
        unlink(from);
        unlink(to);
    }
}

static int live_grow(struct live *live)
{
    struct live grown = {
        .slot_count = live->slot_count == 0 ? SLOTS_FIRST : live->slot_count * 2,
        .block_count = live->block_count,
        .file_id = live->file_id,
        .directory = live->directory,
    };
    size_t bytes = grown.slot_count * sizeof(struct block);
    grown.shift = 64u - (unsigned)__builtin_ctzll(grown.slot_count);
    bool is_kept = live->directory != NULL && !live->is_too_large;
    grown.slots = is_kept ? live_map_file(live, bytes) : NULL;
    if (grown.slots == NULL) {
        if (is_kept) {
            live_empty_file(live);
            is_kept = false;
        }
        grown.is_too_large = live->directory != NULL;
        grown.slots = live_map(bytes);
    }
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
    if (is_kept) {
        live_name_file(&grown);
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
    uint64_t address = block->address;
    struct block *slot = &live->slots[at];
    *slot = *block;
    slot->address = 0;
    /* The address, which makes it a block, comes last: a kill may happen at any store. */
    atomic_signal_fence(memory_order_seq_cst);
    slot->address = address;
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
            /* The address first: should a kill tear the copy, the later of the two is whole. */
            live->slots[gap].address = live->slots[at].address;
            atomic_signal_fence(memory_order_seq_cst);
            live->slots[gap] = live->slots[at];
            atomic_signal_fence(memory_order_seq_cst);
            gap = at;
        }
    }
    live->slots[gap].address = 0;
    live->block_count--;
}

/* True if a later slot of the same cluster holds the same address: then that is the whole one. */
static bool live_is_stale(const struct live *live, size_t at)
{
    size_t mask = live->slot_count - 1;
    for (size_t next = (at + 1) & mask; next != at && live->slots[next].address != 0;
         next = (next + 1) & mask) {
        if (live->slots[next].address == live->slots[at].address) {
            return true;
        }
    }
    return false;
}

static int live_load_slots(struct live *live, const struct live *kept)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < kept->slot_count; i++) {
        if (kept->slots[i].address != 0 && !live_is_stale(kept, i)) {
            r = live_insert(live, &kept->slots[i]);
        }
    }
    return r;
}

int live_load(struct live *live, const char *directory, uint32_t file_id)
{
    char path[PATH_MAX];
    struct stat status;
    struct live kept = {.directory = directory, .file_id = file_id};
    live_path(&kept, "", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) != 0) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return code == ENOENT ? 0 : -code;
    }
    size_t bytes = (size_t)status.st_size;
    kept.slot_count = bytes / sizeof(struct block);
    void *slots = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    int code = errno;
    close(fd);
    if (slots == MAP_FAILED) {
        return -code;
    }
    kept.slots = slots;
    int r = kept.slot_count < SLOTS_FIRST || (kept.slot_count & (kept.slot_count - 1)) != 0
                ? -EINVAL
                : live_load_slots(live, &kept);
    munmap(slots, bytes);
    return r;
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
    if (live->slots != NULL) {
        live_remove_file(live);
    }
    *live = (struct live){0};
}
