/*
 * live.h - the blocks of one process that are live at the moment, by address.
 *
 * Open addressing, one cache line a block, no tombstones: a lookup touches one or two lines. Memory is
 * bounded by the most blocks that were ever live at once. Single thread.
 */
#ifndef ALLOCAUDIT_LIVE_H
#define ALLOCAUDIT_LIVE_H

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
};

struct live {
    struct block *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t block_count;
    unsigned shift; /* 64 - log2(slot_count) */
};

/* The block at exactly this address, or NULL. Valid until the next insert or remove. */
struct block *live_find(const struct live *live, uint64_t address);

/* Adds a copy; its address must not be there yet and not be 0. Returns 0 or -ENOMEM. */
int live_insert(struct live *live, const struct block *block);

/* Removes what live_find() gave. */
void live_remove(struct live *live, struct block *block);

/* Steps over all blocks in no particular order: start with *cursor = 0; NULL at the end. */
const struct block *live_next(const struct live *live, size_t *cursor);

void live_fini(struct live *live);

#endif
