/*
 * live.h - the blocks of one process that are live at the moment, by address.
 *
 * Blocks lie in a pool and are found through an index with open addressing, whose entries tell
 * nearly always by themselves whether they are the right one. A freed slot of the pool is the first
 * to be used again, so that a program which frees what it has just allocated stays within a few
 * cache lines. Memory is bounded by the most blocks that were ever live at once. Single thread.
 */
#ifndef ALLOCAUDIT_LIVE_H
#define ALLOCAUDIT_LIVE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
    uint64_t address; /* 0: a free slot */
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
    uint8_t leak_kind;      /* enum leak_kind, as of the last scan: only if born before it */
    uint32_t next;          /* of the free slots; the set's own */
};

static_assert(sizeof(struct block) == 64, "a block is one cache line");

#define LIVE_NO_SLOT UINT32_MAX

/*
 * The pool may lie in a file, `directory`/live-`file_id`, from which another process can read it
 * after a kill (live_load). At any moment the file then holds every block that is in the set.
 */
struct live {
    struct block *slots;
    uint64_t *index;    /* live_hash() << 32 | number of the slot + 1; 0: empty */
    size_t slot_count;  /* of the pool */
    size_t index_count; /* a power of two, or 0 */
    size_t used_count;  /* slots [0, used_count) were ever in use */
    size_t block_count;
    uint32_t free_slot; /* used_count or more: there is none, slot used_count comes next */
    uint32_t file_id;
    bool is_too_large;     /* there was no room: the file is empty, the slots are in memory */
    const char *directory; /* NULL: memory of this process only; the caller's */
};

/*
 * Its lower bits are the place in the index. Allocators hand out neighbours in turn: four of them
 * stay together, so that they share a cache line. One multiplication alone would lay regular
 * addresses into long runs.
 */
static inline uint32_t live_hash(uint64_t address)
{
    uint64_t hash = (address >> 6) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return ((uint32_t)(hash >> 32) & ~3u) | ((uint32_t)(address >> 4 ^ hash >> 30) & 3);
}

/*
 * Where the index has this address, or the empty entry where it would go. Only if index_count is
 * not 0; valid until the set changes.
 */
static inline uint64_t *live_entry(const struct live *live, uint64_t address)
{
    uint32_t hash = live_hash(address);
    size_t mask = live->index_count - 1;
    size_t at = hash & mask;
    for (uint64_t entry; (entry = live->index[at]) != 0; at = (at + 1) & mask) {
        if (__builtin_expect(entry >> 32 == hash, 1) &&
            __builtin_expect(live->slots[(uint32_t)entry - 1].address == address, 1)) {
            break;
        }
    }
    return &live->index[at];
}

/* The block of an entry, or NULL for an empty one. */
static inline struct block *live_block(const struct live *live, const uint64_t *entry)
{
    return *entry == 0 ? NULL : &live->slots[(uint32_t)*entry - 1];
}

/* The block at exactly this address, or NULL. Valid until the next live_reserve(). */
static inline struct block *live_find(const struct live *live, uint64_t address)
{
    return live->index_count == 0 ? NULL : live_block(live, live_entry(live, address));
}

/*
 * Starts loading what live_entry() will read first, where the set is larger than the caches. Always
 * inlined, as GCC takes a function that only prefetches for one without effect.
 */
static inline __attribute__((always_inline)) void live_prefetch_entry(const struct live *live,
                                                                      uint64_t address)
{
    __builtin_prefetch(&live->index[live_hash(address) & (live->index_count - 1)], 1);
}

/* The same for what it will read then: some events later, when the entry has arrived. */
static inline __attribute__((always_inline)) void live_prefetch_block(const struct live *live,
                                                                      uint64_t address)
{
    uint32_t hash = live_hash(address);
    uint64_t entry = live->index[hash & (live->index_count - 1)];
    if (entry >> 32 == hash) {
        __builtin_prefetch(&live->slots[(uint32_t)entry - 1], 1);
    }
}

/* Makes room for one more. Returns 0 or -ENOMEM. */
int live_grow(struct live *live);

/*
 * A slot to be filled and given to live_link(), or simply left: it is no block yet. `next` is not
 * to be touched. NULL: no memory.
 */
static inline struct block *live_reserve(struct live *live)
{
    if (__builtin_expect(live->free_slot < live->used_count, 1)) {
        return &live->slots[live->free_slot];
    }
    if (__builtin_expect(live->used_count == live->slot_count, 0) && live_grow(live) < 0) {
        return NULL;
    }
    live->free_slot = LIVE_NO_SLOT;
    return &live->slots[live->used_count];
}

/* Adds the slot that live_reserve() gave, at the empty entry of its address, which is not 0. */
static inline void live_link(struct live *live, uint64_t *entry, struct block *block,
                             uint64_t address)
{
    uint32_t slot = (uint32_t)(block - live->slots);
    if (slot == live->used_count) {
        live->used_count++;
    } else {
        live->free_slot = block->next;
    }
    *entry = (uint64_t)live_hash(address) << 32 | (slot + 1);
    live->block_count++;
    /* The address, which makes it a block, comes last: a kill may happen at any store. */
    atomic_signal_fence(memory_order_seq_cst);
    block->address = address;
}

/* Removes the block of an entry, and closes the gap, so that no later entry is cut off. */
static inline void live_unlink(struct live *live, uint64_t *entry, struct block *block)
{
    size_t mask = live->index_count - 1;
    size_t gap = (size_t)(entry - live->index);
    size_t at = gap;
    for (uint64_t next; (next = live->index[at = (at + 1) & mask]) != 0;) {
        size_t home = next >> 32 & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            live->index[gap] = next;
            gap = at;
        }
    }
    live->index[gap] = 0;
    block->address = 0;
    block->next = live->free_slot;
    live->free_slot = (uint32_t)(block - live->slots);
    live->block_count--;
}

static inline void live_remove(struct live *live, struct block *block)
{
    live_unlink(live, live_entry(live, block->address), block);
}

/* Adds a copy; its address must not be there yet and not be 0. Returns 0 or -ENOMEM. */
int live_insert(struct live *live, const struct block *block);

/*
 * Adds the blocks of a killed process's file to the empty set `live`, which must have no directory.
 * Returns 0 (also where there is no file: none were live), -ENOMEM, -EINVAL (they were not kept, or
 * the file is none of ours), or the errno of reading.
 */
int live_load(struct live *live, const char *directory, uint32_t file_id);

/*
 * Gives the set memory of this process alone, instead of a file that others may have mapped, too;
 * the file stays as it is. Returns 0 or -ENOMEM.
 */
int live_detach(struct live *live);

/* Steps over all blocks in no particular order: start with *cursor = 0; NULL at the end. */
const struct block *live_next(const struct live *live, size_t *cursor);

/* Empties it; its file goes, too. */
void live_fini(struct live *live);

#endif
