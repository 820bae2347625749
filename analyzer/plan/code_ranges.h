/*
 * code_ranges.h - code of functions, some within others, cut into segments that do not overlap.
 */
#ifndef ALLOCAUDIT_CODE_RANGES_H
#define ALLOCAUDIT_CODE_RANGES_H

#include <stddef.h>
#include <stdint.h>

#include "../../schema/plan_table.h"

/* A function's code, and the steps of a plan that it fulfils. */
struct code_range {
    uint64_t start;
    uint64_t end;
    uint64_t steps;
    uint32_t depth; /* of inlining: 0 has the code, 1 is inlined there, 2 into that one */
};

/* Zeroed is an empty one. */
struct code_ranges {
    struct code_range *items;
    size_t count;
    size_t capacity;
};

/* Zeroed is an empty one. */
struct code_segments {
    struct plan_table_segment *items;
    size_t count;
    size_t capacity;
    uint64_t *levels;
    size_t level_count;
    size_t level_capacity;
};

/* Returns 0 (an empty range is ignored) or -ENOMEM. */
int code_ranges_add(struct code_ranges *ranges, const struct code_range *range);
void code_ranges_fini(struct code_ranges *ranges);

/*
 * Adds the segments of one module, in order: where several ranges meet, the deepest is the first
 * level. Ranges of one depth count as one. Sorts the ranges. Returns 0 or -ENOMEM.
 */
int code_segments_add(struct code_segments *segments, struct code_ranges *ranges);
void code_segments_fini(struct code_segments *segments);

#endif
