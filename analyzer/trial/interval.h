/*
 * interval.h - the median of a few measurements, and the interval that holds the true one.
 *
 * The bounds are two of the measured values themselves: the k-th from either end, k as large as
 * leaves at most 2.5 % on each side if every measurement lies above the true median with chance one
 * half. That asks nothing of how measurements are distributed, and the interval holds the true
 * median in at least 95 % of all trials. With fewer than INTERVAL_COUNT_MIN there is none.
 */
#ifndef ALLOCAUDIT_INTERVAL_H
#define ALLOCAUDIT_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    INTERVAL_COUNT_MIN = 6,
    INTERVAL_COUNT_MAX = 1000,
};

struct interval {
    double median;
    double low; /* with high: 95 %, if has_bounds */
    double high;
    bool has_bounds;
};

/* Of count values, 1 to INTERVAL_COUNT_MAX, which are sorted by it. */
struct interval interval_of_median(double *values, size_t count);

#endif
