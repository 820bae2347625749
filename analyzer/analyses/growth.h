/*
 * growth.h - blocks that grow by realloc, and the reserve that would have spared it.
 *
 * A chain is a block with all that it became by realloc. It belongs to the site of its first
 * realloc, where the loop is that makes it grow. What is copied is the smaller of both sizes, where
 * the block moved. Shrinking steps count as steps, but have no growth factor.
 *
 * If the site had asked for R bytes at once, chains that never became larger than R would have had
 * no reallocs; growth_reserve() works out what that spares, and what it costs: R less what a chain
 * had at its largest.
 */
#ifndef ALLOCAUDIT_GROWTH_H
#define ALLOCAUDIT_GROWTH_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"

/* Chains of about one largest size: four classes to a doubling. */
struct growth_class {
    uint32_t size_class;
    uint64_t chain_count;
    uint64_t step_count;
    uint64_t copied_bytes;
    uint64_t size_sum_bytes; /* of their largest sizes */
    uint64_t size_max_bytes;
};

struct growth_site {
    uint32_t stack_id;
    uint64_t chain_count;
    uint64_t step_count;
    uint64_t grown_count; /* steps to a larger size */
    uint64_t moved_count;
    uint64_t copied_bytes;
    uint64_t step_max;            /* of one chain */
    double factor_log_sum;        /* natural, over the steps to a larger size */
    struct growth_class *classes; /* by size, once finished */
    size_t class_count;
    size_t class_capacity;
};

struct growth {
    struct growth_site *sites; /* most bytes copied first, then most steps */
    size_t site_count;
    uint64_t chain_count;
    uint64_t step_count;
    uint64_t moved_count;
    uint64_t copied_bytes;
};

/* What asking for so much at once would have done. */
struct growth_reserve {
    uint64_t reserve_bytes;
    uint64_t spared_chain_count;
    uint64_t spared_step_count;
    uint64_t spared_copied_bytes;
    double idle_bytes; /* reserved and never used, of a spared chain on average */
};

extern const struct analysis growth_analysis;

/* The answer of a finished state. */
const struct growth *growth_of(const void *state);

/* The reserve that suffices for that share of the site's chains. */
struct growth_reserve growth_reserve(const struct growth_site *site, double share);

/* By how much a step to a larger size grows, as a geometric mean; 0: there were none. */
double growth_factor(const struct growth_site *site);

#endif
