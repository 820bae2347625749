/*
 * counted_sites.h - where the measurement that a thread ended last has allocated (counting.h).
 *
 * Asked for when a test has failed, right after the measurement's end. Only the owning thread
 * calls it, outside of any hook. Memory is mapped by us, and given back.
 */
#ifndef ALLOCAUDIT_COUNTED_SITES_H
#define ALLOCAUDIT_COUNTED_SITES_H

#include <stddef.h>
#include <stdint.h>

#include "counting.h"

enum counted_figure {
    COUNTED_CALLS, /* the last COUNTING_RECENT_CALLS allocations, most calls first */
    COUNTED_BYTES, /* the same, most bytes first */
    COUNTED_LIVE,  /* blocks that were left, most blocks first */
};

/* What one stack has allocated. */
struct counted_site {
    uint32_t stack_id; /* the lane's own number */
    uint64_t count;
    uint64_t size_bytes;
};

struct counted_sites {
    uint64_t stack_count; /* there are as many */
    enum counted_figure figure;
    uint64_t forgotten_count; /* allocations before those that were counted */
};

/* Gives the first `capacity` sites, the order being that of `figure`. Returns how many; 0 also if
 * nothing has been measured or there is no memory. */
size_t counted_sites_find(const struct counting *counting, enum counted_figure figure,
                          struct counted_site *out_sites, size_t capacity,
                          struct counted_sites *out_all);

#endif
