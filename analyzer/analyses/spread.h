/*
 * spread.h - how many of many values lie where: percentiles of counts and sizes.
 *
 * Values below 2048 are kept as they are, larger ones within 0.1 %: a percentile is never too low,
 * and at most that much too high. The largest and the mean are exact. Memory grows with the number
 * of different values kept. Zeroed is a valid empty one; spread_fini() frees it.
 */
#ifndef ALLOCAUDIT_SPREAD_H
#define ALLOCAUDIT_SPREAD_H

#include <stdint.h>

#include "../base/map.h"

struct value_spread {
    struct map counts; /* by class of value */
    uint64_t value_count;
    uint64_t sum;
    uint64_t min; /* of no value: 0 */
    uint64_t max;
};

/* What tables show of one. Of no value: all 0. */
struct spread_figures {
    uint64_t p50; /* the least value that half of the values do not exceed */
    uint64_t p99;
    uint64_t max;
    double mean;
};

/* Returns 0 or -ENOMEM. */
int spread_add(struct value_spread *spread, uint64_t value);

/* Adds the values of another one. Returns 0 or -ENOMEM. */
int spread_merge(struct value_spread *spread, const struct value_spread *other);

/* Returns 0 and *out_figures, or -ENOMEM. */
int spread_measure(const struct value_spread *spread, struct spread_figures *out_figures);

void spread_fini(struct value_spread *spread);

#endif
