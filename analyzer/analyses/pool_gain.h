/*
 * pool_gain.h - what a pool for a group of blocks would save, and whether that is worth it.
 *
 * Time: pairs * (what a pair costs now - what it costs in a pool), both as measured on this machine
 * (model/pair_costs.h); the pool is the best there can be, a list in the program's own code.
 * Bytes: at the peak of the process, what the blocks take now with what the allocator adds, less
 * what the chunks of a pool would; and the same on the most compact stock allocator (pool_bytes.h).
 * The pool is worth it if
 *  - it saves 1 % of the CPU time or 2 % of the peak,
 *  - and still does beside the cheapest, or the most compact, stock allocator,
 *  - 5 % of the blocks at most are freed by another thread, 1 % at most are realloc'ed,
 *  - of its slots 12.5 % at most are lost to rounding, and at most four times as many blocks are
 *    live at the worst moment as on average: it would hold its memory for nothing most of the time.
 * The thresholds are ours. No state.
 */
#ifndef ALLOCAUDIT_POOL_GAIN_H
#define ALLOCAUDIT_POOL_GAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/pair_costs.h"
#include "pooling.h"

enum pool_verdict {
    POOL_IS_WORTH_IT,
    POOL_SAVES_TOO_LITTLE,
    POOL_IS_NO_BETTER_THAN_STOCK, /* a stock allocator saves as much without one */
    POOL_IS_HANDED_OVER,          /* other threads free too many */
    POOL_IS_RESIZED,
    POOL_HAS_ODD_SIZES,
    POOL_STANDS_IDLE,
    POOL_NEEDS_COSTS, /* costs were not measured, and it may save enough */
    POOL_VERDICT_COUNT
};

/* What a gain is measured by. */
struct pool_yardstick {
    const struct pair_costs *costs; /* NULL: not measured */
    double pair_most_ns;            /* no pair takes longer, by the recording's timed calls; 0: not
                                       known */
    uint64_t cpu_time_ns;           /* of the process; 0: not known */
    uint64_t peak_bytes;
    uint32_t header_bytes; /* of the allocator in use, besides usable ones, if not measured */
};

struct pool_gain {
    double time_ns; /* not a number: not known. All times are over the whole run */
    double time_low_ns;
    double time_high_ns;
    double stock_time_ns; /* beside the cheapest stock allocator */
    const struct pair_cost_row *stock;
    double time_most_ns;      /* if a pool took no time at all; not a number: not known */
    int64_t peak_bytes;       /* below 0: the pool needs more */
    int64_t stock_peak_bytes; /* beside the most compact stock allocator for these sizes */
    const struct pair_cost_row *compact_stock; /* NULL: not known */
    bool saves_bytes;                          /* enough of them */
    bool saves_bytes_beside_stock;             /* still enough; if not known: as saves_bytes */
    enum pool_verdict verdict;
};

struct pool_gain pool_gain_of(const struct pooling *pooling, const struct pool_group *group,
                              const struct pool_yardstick *yardstick);

#endif
