/*
 * counting.h - what one thread has allocated, counted for the program itself (allocaudit_count()
 * and allocaudit_measure_begin() of allocaudit.h).
 *
 * The hooks count nothing for it. A thread that asks has the records counted that it has written
 * anyway: those since the last time, when it asks again, and those of a chunk that is full, before
 * the collector gets it. Which blocks are live is kept only while something is measured.
 *
 * Only the owning thread calls these, outside of any hook. Memory is mapped by us.
 */
#ifndef ALLOCAUDIT_COUNTING_H
#define ALLOCAUDIT_COUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane.h"

enum {
    COUNTING_DEPTH_MAX = 32, /* measurements within one another */
    COUNTING_RECENT_CALLS = 4096,
};

/* A block that was allocated during a measurement. */
struct counted_block {
    uint64_t address; /* 0: no block */
    uint64_t size_bytes;
    uint64_t number; /* of its allocation */
    uint32_t stack_id;
};

struct counted_sums {
    uint64_t allocation_count;
    uint64_t free_count;
    uint64_t allocated_bytes;
};

/* An allocation, by number modulo COUNTING_RECENT_CALLS. */
struct recent_call {
    uint32_t stack_id; /* the lane's own number */
    uint64_t size_bytes;
};

/* One measurement that is open. */
struct measurement_state {
    uint64_t serial;
    struct counted_sums before;
    uint64_t live_count; /* of blocks allocated since it began */
    uint64_t live_bytes;
    uint64_t peak_bytes;
};

struct counting {
    struct counted_sums sums;
    const uint64_t *seen; /* the first record that is not counted yet */
    bool is_broken;       /* a record was lost, or memory: nothing is known any more */
    uint32_t depth;       /* measurements that are open */
    uint64_t serial;      /* of the last one */
    struct measurement_state open[COUNTING_DEPTH_MAX];
    struct measurement_state ended; /* the last one that has; serial 0: none */
    uint64_t ended_count;           /* sums.allocation_count then */
    uint64_t renumbered_count;      /* the same when stacks got new numbers last */
    struct recent_call recent[COUNTING_RECENT_CALLS]; /* while something is measured */
    struct counted_block *blocks; /* a hash table, at most half full; NULL: none yet */
    size_t slot_count;            /* a power of two */
    size_t block_count;
};

/* Begins to count what this lane gets from now on; *counting is made unless it is there. False:
 * there is no memory. */
bool counting_start(struct counting **counting, struct writer *writer);

/* Counts what has been written and not yet counted. */
void counting_catch_up(struct counting *counting, const struct writer *writer);

/* The lane goes on in another chunk: catch up before, and tell where it begins after. */
void counting_move(struct counting *counting, const struct writer *writer);

/* Catches up and begins a measurement within those that are open; where there are too many of
 * those, nothing will be known of them. Returns its serial, for counting_end(). */
uint64_t counting_begin(struct counting *counting, const struct writer *writer);

/* Catches up and ends it, with those within it. False: it is not open, or nothing is known. */
bool counting_end(struct counting *counting, const struct writer *writer, uint64_t serial,
                  struct measurement_state *out_measured);

/* The thread has ended: forgets all but the memory. */
void counting_reset(struct counting *counting);

#endif
