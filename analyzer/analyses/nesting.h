/*
 * nesting.h - in what order threads free what they allocated: last in, first out, or how far from
 * it.
 *
 * The depth of a free is how many blocks that its thread allocated later are still live; 0 is the
 * youngest. The LIFO degree is the share of frees with depth 0. A free by another thread has no
 * depth and is counted apart. A realloc'ed block counts as the youngest from then on, as it would
 * lie on top of a stack.
 */
#ifndef ALLOCAUDIT_NESTING_H
#define ALLOCAUDIT_NESTING_H

#include <stdint.h>

#include "analysis.h"

enum {
    NESTING_CLASSES = 33, /* class 0: depth 0; class i: 2^(i-1) to 2^i - 1 */
};

struct nesting {
    uint64_t own_free_count;
    uint64_t remote_free_count;
    uint64_t depths[NESTING_CLASSES]; /* of the first */
    uint64_t depth_max;
    uint64_t depth_sum;
};

extern const struct analysis nesting_analysis;

/* The answer of a finished state. */
const struct nesting *nesting_of(const void *state);

/* The depth that that share of frees does not exceed, rounded up to the end of its class. */
uint64_t nesting_quantile(const struct nesting *nesting, double share);

#endif
