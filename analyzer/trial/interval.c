#include "interval.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const double tail_chance = 0.025;

static int compare(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* The largest k for which fewer than k of count tosses of a coin show heads with at most the
 * chance of a tail; 0: there is none. */
static size_t bound_rank(size_t count)
{
    double chance_of_exactly = ldexp(1, -(int)count);
    double chance = chance_of_exactly;
    size_t rank = 0;
    while (chance <= tail_chance) {
        rank++;
        chance_of_exactly *= (double)(count - rank + 1) / (double)rank;
        chance += chance_of_exactly;
    }
    return rank;
}

struct interval interval_of_median(double *values, size_t count)
{
    assert(count > 0 && count <= INTERVAL_COUNT_MAX);
    qsort(values, count, sizeof(*values), compare);
    struct interval interval = {.median = (values[(count - 1) / 2] + values[count / 2]) / 2};
    const size_t rank = bound_rank(count);
    if (rank > 0) {
        interval.low = values[rank - 1];
        interval.high = values[count - rank];
        interval.has_bounds = true;
    }
    return interval;
}
