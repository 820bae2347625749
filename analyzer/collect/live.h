/*
 * live.h - the blocks of one process that are live at the moment, by address.
 *
 * Blocks lie in a pool and are found through chains that start in an array of buckets. A freed slot
 * of the pool is the first to be used again, so that a program which frees what it has just
 * allocated stays within a few cache lines. Neighbouring addresses share a line of buckets, for
 * allocators hand them out in turn. Memory is bounded by the most blocks that were ever live at
 * once. Single thread.
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
    uint8_t padding;
    uint32_t next; /* of its bucket's chain, or of the free slots; LIVE_NO_SLOT: none. The set's */
};

static_assert(sizeof(struct block) == 64, "a block is one cache line");

#define LIVE_NO_SLOT UINT32_MAX

enum {
    LIVE_LINE_BUCKETS = 16, /* one cache line of buckets, for 256 bytes of addresses */
};

/*
 * The pool may lie in a file, `directory`/live-`file_id`, from which another process can read it
 * after a kill (live_load). At any moment the file then holds every block that is in the set.
 */
struct live {
    struct block *slots;
    uint32_t *buckets;   /* slot of the first block, or LIVE_NO_SLOT */
    size_t slot_count;   /* of the pool */
    size_t bucket_count; /* a power of two, or 0 */
    size_t used_count;   /* slots [0, used_count) were ever in use */
    size_t block_count;
    uint32_t free_slot; /* used_count or more: there is none, slot used_count comes next */
    uint32_t file_id;
    bool is_too_large;     /* there was no room: the file is empty, the slots are in memory */
    const char *directory; /* NULL: memory of this process only; the caller's */
};

/*
 * The bucket of an address. The line follows from a hash of the address's upper part; within it, a
 * second part of the hash decides, so that two runs of blocks which share a line rarely share
 * buckets. Only if bucket_count is not 0.
 */
static inline size_t live_bucket(const struct live *live, uint64_t address)
{
    uint64_t hash = (address >> 8) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t line = (hash ^ hash >> 32) * LIVE_LINE_BUCKETS;
    return (line | ((address >> 4 ^ hash >> 60) & (LIVE_LINE_BUCKETS - 1))) &
           (live->bucket_count - 1);
}

/* The block at exactly this address, or NULL. Valid until the next live_reserve(). */
static inline struct block *live_find(const struct live *live, uint64_t address)
{
    if (__builtin_expect(live->bucket_count == 0, 0)) {
        return NULL;
    }
    uint32_t slot = live->buckets[live_bucket(live, address)];
    while (slot != LIVE_NO_SLOT) {
        struct block *block = &live->slots[slot];
        if (__builtin_expect(block->address == address, 1)) {
            return block;
        }
        slot = block->next;
    }
    return NULL;
}

/*
 * Starts loading what live_find() will read first, where the set is larger than the caches. Always
 * inlined, as GCC takes a function that only prefetches for one without effect.
 */
static inline __attribute__((always_inline)) void live_prefetch_bucket(const struct live *live,
                                                                       uint64_t address)
{
    __builtin_prefetch(&live->buckets[live_bucket(live, address)], 1);
}

/* The same for what it will read then: some events later, when the bucket has arrived. */
static inline __attribute__((always_inline)) void live_prefetch_block(const struct live *live,
                                                                      uint64_t address)
{
    uint32_t slot = live->buckets[live_bucket(live, address)];
    if (slot != LIVE_NO_SLOT) {
        __builtin_prefetch(&live->slots[slot], 1);
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

/* Adds the slot that live_reserve() gave; the address must not be 0 or in the set already. */
static inline void live_link(struct live *live, struct block *block, uint64_t address)
{
    uint32_t slot = (uint32_t)(block - live->slots);
    if (slot == live->used_count) {
        live->used_count++;
    } else {
        live->free_slot = block->next;
    }
    uint32_t *bucket = &live->buckets[live_bucket(live, address)];
    block->next = *bucket;
    *bucket = slot;
    live->block_count++;
    /* The address, which makes it a block, comes last: a kill may happen at any store. */
    atomic_signal_fence(memory_order_seq_cst);
    block->address = address;
}

/* Removes what live_find() gave. */
static inline void live_remove(struct live *live, struct block *block)
{
    uint32_t slot = (uint32_t)(block - live->slots);
    uint32_t *link = &live->buckets[live_bucket(live, block->address)];
    while (*link != slot) {
        link = &live->slots[*link].next;
    }
    *link = block->next;
    block->address = 0;
    block->next = live->free_slot;
    live->free_slot = slot;
    live->block_count--;
}

/* Adds a copy; its address must not be there yet and not be 0. Returns 0 or -ENOMEM. */
int live_insert(struct live *live, const struct block *block);

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
