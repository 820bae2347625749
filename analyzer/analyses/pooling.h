/*
 * pooling.h - blocks of equal size, by the site that makes them and by size class: what a pool for
 * them would have to serve. pool_gain.h says what it would save.
 *
 * A pool of a site and size has slots of that size, at a multiple of 8; one of a size class has
 * slots of 16 to 128 bytes by 16 and then four sizes to a doubling, as the policy `pool` has.
 * Blocks of more than POOLING_SIZE_MAX bytes are left out. Memory grows with the sites and sizes.
 */
#ifndef ALLOCAUDIT_POOLING_H
#define ALLOCAUDIT_POOLING_H

#include <stddef.h>
#include <stdint.h>

#include "../model/block_costs.h"
#include "analysis.h"

enum {
    POOLING_SIZE_MAX = BLOCK_COST_SIZE_MAX,
    POOLING_LIFETIMES = 44, /* classes of a doubling each; the last holds all beyond 2.4 hours */
    POOLING_CLASSES = 8 + 6 * 4,
};

struct pool_group {
    uint32_t stack_id; /* 0: of a size class */
    uint32_t slot_bytes;
    uint64_t size_bytes; /* requested by each; of a size class 0: they differ */
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t remote_free_count; /* by another thread */
    uint64_t resized_count;     /* ended in a realloc */
    uint64_t live_count;
    uint64_t live_bytes; /* requested */
    uint64_t live_usable_bytes;
    uint64_t live_count_max;
    uint64_t peak_count; /* these at the peak of the process */
    uint64_t peak_bytes;
    uint64_t peak_usable_bytes;
    double live_count_ns;     /* live blocks, summed over time */
    uint64_t changed_ns;      /* until when that is */
    uint64_t lifetime_sum_ns; /* of blocks that were freed */
    uint32_t lifetimes[POOLING_LIFETIMES];
};

struct pooling {
    struct pool_group *sites; /* in the order of their first block */
    size_t site_count;
    struct pool_group classes[POOLING_CLASSES]; /* by slot_bytes */
    uint64_t peak_counts[BLOCK_COST_PLACES];    /* blocks at the peak, by block_cost_place() */
    uint64_t started_ns;                        /* first and last call */
    uint64_t ended_ns;
    uint64_t large_count; /* allocations of more than POOLING_SIZE_MAX bytes */
};

extern const struct analysis pooling_analysis;

/* The answer of a finished state. */
const struct pooling *pooling_of(const void *state);

/* The smallest slot of the size class that holds size_bytes (up to POOLING_SIZE_MAX). */
uint32_t pooling_class_bytes(uint64_t size_bytes);

/* The time within which that share of the freed blocks had died, rounded up to a power of two. */
uint64_t pool_group_lifetime_ns(const struct pool_group *group, double share);

/* Allocations for each slot of the largest pool that was needed. */
double pool_group_turnover(const struct pool_group *group);

/* Live blocks, on average over the time from the first call to the last. */
double pool_group_mean_live(const struct pooling *pooling, const struct pool_group *group);

#endif
