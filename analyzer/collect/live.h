/*
 * live.h - the blocks of one process that are live at the moment, by address.
 *
 * Open addressing, one cache line a block, no tombstones: a lookup touches one or two lines. Memory
 * is bounded by the most blocks that were ever live at once. Single thread.
 */
#ifndef ALLOCAUDIT_LIVE_H
#define ALLOCAUDIT_LIVE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
    uint64_t address; /* 0: an empty slot */
    uint64_t born_ns;
    uint64_t size_bytes;
    uint64_t slack_bytes;
    uint64_t realloc_of_id; /* row of the block that this one continues; 0: none */
    uint32_t site;          /* index in the process's sites */
    uint32_t thread;        /* index in the process's threads */
    uint32_t sequence;      /* which allocation of its thread this was, modulo 2^32 */
    uint32_t alignment;     /* 0: the allocator's own choice */
    uint16_t chain_length;  /* reallocs so far */
    uint8_t kind;           /* enum alloc_kind */
    uint8_t padding[5];
};

static_assert(sizeof(struct block) == 64, "a block is one cache line");

/*
 * The slots may lie in a file, `directory`/live-`file_id`, from which another process can read them
 * after a kill (live_load). At any moment the file then holds every block that is in the set; while
 * one is being removed, another may be there twice.
 */
struct live {
    struct block *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t block_count;
    unsigned shift; /* 64 - log2(slot_count) */
    uint32_t file_id;
    bool is_too_large;     /* there was no room: the file is empty, the slots are in memory */
    const char *directory; /* NULL: memory of this process only; the caller's */
};

/*
 * Blocks come in arithmetic sequences, which one multiplication alone would lay into long runs of
 * slots for some strides: probing then takes hundreds of steps.
 */
static inline size_t live_home(const struct live *live, uint64_t address)
{
    uint64_t hash = (address >> 4) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(hash >> live->shift);
}

/* The block at exactly this address, or NULL. Valid until the next insert or remove. */
struct block *live_find(const struct live *live, uint64_t address);

/*
 * Starts loading where live_find() will look: the table is larger than any cache. Always inlined,
 * as GCC takes a function that only prefetches for one without effect and drops the call.
 */
static inline __attribute__((always_inline)) void live_prefetch(const struct live *live,
                                                                uint64_t address)
{
    if (live->slot_count != 0) {
        __builtin_prefetch(&live->slots[live_home(live, address)], 1);
    }
}

/* Adds a copy; its address must not be there yet and not be 0. Returns 0 or -ENOMEM. */
int live_insert(struct live *live, const struct block *block);

/* Removes what live_find() gave. */
void live_remove(struct live *live, struct block *block);

/*
 * Adds the blocks of a killed process's file to the empty set `live`, which must have no directory.
 * Returns 0 (also where there is no file: none were live), -ENOMEM, -EINVAL (they were not kept, or
 * the file is none of ours), or the errno of reading.
 */
int live_load(struct live *live, const char *directory, uint32_t file_id);

/* Steps over all blocks in no particular order: start with *cursor = 0; NULL at the end. */
const struct block *live_next(const struct live *live, size_t *cursor);

/* Empties it; its file goes, too. */
void live_fini(struct live *live);

#endif
