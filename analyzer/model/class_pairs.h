/*
 * class_pairs.h - the size and lifetime histograms and the counters of two recordings side by side.
 */
#ifndef ALLOCAUDIT_CLASS_PAIRS_H
#define ALLOCAUDIT_CLASS_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "matched_sites.h"

/* One class: of sizes (bytes, inclusive), of lifetimes (ns, end exclusive), or a counter. */
struct class_pair {
    char *name; /* of a counter; else NULL */
    uint64_t min;
    uint64_t end;
    uint64_t values[SIDE_COUNT]; /* allocations, freed blocks, or the counter's value */
};

struct class_pairs {
    struct class_pair *rows;
    size_t count;
    size_t capacity;
};

/* Those that changed most first, ties by size. */
int size_pairs_load(const struct matched_side sides[SIDE_COUNT], struct class_pairs *out_pairs,
                    struct err *err);

/* Shortest first. */
int lifetime_pairs_load(const struct matched_side sides[SIDE_COUNT], struct class_pairs *out_pairs,
                        struct err *err);

/* By name. */
int counter_pairs_load(const struct matched_side sides[SIDE_COUNT], struct class_pairs *out_pairs,
                       struct err *err);

int64_t class_pair_change(const struct class_pair *pair);

/* A zeroed one is fine. */
void class_pairs_fini(struct class_pairs *pairs);

#endif
