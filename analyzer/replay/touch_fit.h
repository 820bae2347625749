/*
 * touch_fit.h - which part of each block a program has written to, told from its resident set.
 *
 * A resident set over time is that of the heap, which depends on the part, and what is no heap
 * (code, stacks), which is taken to stay the same. The heap is known for two parts, none and all;
 * between them it is taken to change in proportion. So recorded = base + none + share * (all -
 * none) is a straight line, and the two unknowns are those of least squares.
 */
#ifndef ALLOCAUDIT_TOUCH_FIT_H
#define ALLOCAUDIT_TOUCH_FIT_H

#include <stdbool.h>
#include <stddef.h>

/* The same moment in three resident sets, in bytes. */
struct touch_moment {
    double weight;
    double recorded_bytes; /* of the whole program */
    double none_bytes;     /* of the heap, where no block is written to */
    double all_bytes;      /* where all of each block is */
};

struct touch_fit {
    double share;        /* 0..1 */
    double base_bytes;   /* of what is no heap; never negative */
    bool is_indifferent; /* it hardly matters what is touched: the share is 1 */
};

/* count > 0, and the weights are positive. */
void touch_fit_find(const struct touch_moment *moments, size_t count, struct touch_fit *out_fit);

#endif
