/*
 * sample_set.h - which live blocks of this process were sampled: their frees are recorded, too.
 *
 * In front stands a filter, so that a free finds out with one load that its block was not; behind
 * it the exact addresses, in a table without locks. An address is added before its block is given
 * to the program and removed before the block goes to the real free, so it is in the table once. A
 * forked child starts with an empty table. Any thread, also in signal handlers.
 */
#ifndef ALLOCAUDIT_SAMPLE_SET_H
#define ALLOCAUDIT_SAMPLE_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SAMPLE_FILTER_BYTES = 65536,
    SAMPLE_FILTER_PINNED = 255, /* an entry that stays: pinned, or it has counted too much */
};

/*
 * How many blocks of the set, or pinned ones, share this entry. The hooks read it as it is; all
 * else is done atomically. Until sample_set_init() the mask is 0 and all blocks meet in the first
 * entry, which is pinned: so nothing is excluded where everything is recorded.
 */
extern __attribute__((visibility("hidden"))) uint8_t sample_filter[SAMPLE_FILTER_BYTES];
extern __attribute__((visibility("hidden"))) uintptr_t sample_filter_mask;

/* Neighbours stay neighbours: a program that works in few pages needs few lines of the filter. */
static inline size_t sample_filter_index(const void *block)
{
    return (uintptr_t)block >> 4 & (SAMPLE_FILTER_BYTES - 1);
}

/* True if the block is certainly neither in the set nor pinned. */
static inline bool sample_filter_excludes(const void *block)
{
    return __builtin_expect(sample_filter[(uintptr_t)block >> 4 & sample_filter_mask] == 0, 1);
}

/* From now on, and in children, the filter never excludes this block. */
void sample_filter_pin(const void *block);

/* From now on the filter excludes what is neither in the set nor pinned. */
void sample_filter_open(void);

/*
 * Makes room for about that many blocks, at most one of which lies in mean_bytes of memory in use
 * on average. Once; until then the set is full. False: no memory.
 */
bool sample_set_init(size_t block_count, uint64_t mean_bytes);

/* In a forked child, after its copy was wiped: the filter forgets what the parent had. */
void sample_set_forget(void);

/* False: there is no room, and nothing has changed. */
bool sample_set_add(const void *block);

/* False: it was not there. */
bool sample_set_remove(const void *block);

#endif
