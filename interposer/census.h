/*
 * census.h - what all threads of the process have allocated, counted for the program itself
 * (allocaudit_count_process() of allocaudit.h).
 *
 * As with counting.h the hooks count nothing. Once the process has asked, each thread has a chunk
 * counted before it goes on in another one; whoever asks adds to those sums what stands in the
 * chunks that the threads are in, and remembers up to where. A thread that moves to another chunk
 * meanwhile is noticed by its `turn`, and looked at again: nobody waits for anybody.
 *
 * What a thread has counted stays in its self (self.h), which the next thread takes over. Counts
 * begin when the process first asks.
 */
#ifndef ALLOCAUDIT_CENSUS_H
#define ALLOCAUDIT_CENSUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counting.h"

/* One thread's part. The owner writes, others read while `turn` is even and stays the same. */
struct census_part {
    _Atomic uint32_t turn;           /* odd: its owner is between two chunks */
    _Atomic bool is_broken;          /* records were lost */
    _Atomic(struct chunk *) chunk;   /* that it writes to; NULL: none */
    _Atomic uint64_t done_counts[3]; /* of the chunks before: struct counted_sums */
    struct counted_sums base;        /* of the process, where this thread was the first to ask */
    struct census_part *next;        /* of the process's parts */
    uint32_t number;                 /* among them, from 0 */
    bool is_known;                   /* it is among them */
};

/* How far one thread has counted another one's chunk. */
struct census_view {
    uint32_t turn;
    uint32_t seen_bytes; /* of the chunk */
    struct counted_sums sums;
};

/* What a thread that asks remembers; all zero at first. */
struct census_views {
    struct census_view *views; /* by part */
    size_t capacity;
};

/* The part's owner has a lane, which begins in this chunk. */
void census_enter(struct census_part *part, struct chunk *chunk);

/* Between these the lane changes its chunk. `written`: the records of the old one, and how many. */
void census_begin_move(struct census_part *part, const uint64_t *written, size_t word_count);
void census_end_move(struct census_part *part, struct chunk *chunk);

/* Sums all threads up since the process first asked. `own`: of the thread that asks. False: nothing
 * is known, as events were lost or there is no memory. */
bool census_take(struct census_views *views, struct census_part *own,
                 struct counted_sums *out_sums);

#endif
