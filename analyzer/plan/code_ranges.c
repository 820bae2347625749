#include "code_ranges.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

enum {
    LEVELS_MAX = 64, /* of a segment; what is inlined still deeper is left out */
};

int code_ranges_add(struct code_ranges *ranges, const struct code_range *range)
{
    if (range->end <= range->start) {
        return 0;
    }
    int r = vec_reserve((void **)&ranges->items, &ranges->capacity, ranges->count + 1,
                        sizeof(*ranges->items));
    if (r == 0) {
        ranges->items[ranges->count++] = *range;
    }
    return r;
}

void code_ranges_fini(struct code_ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct code_ranges){0};
}

static int compare_ranges(const void *left, const void *right)
{
    const struct code_range *a = left;
    const struct code_range *b = right;
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    return (a->end > b->end) - (a->end < b->end);
}

/* Levels of the ranges that cover `at`, the deepest first. Returns how many. */
static size_t levels_at(const struct code_range *const *active, size_t active_count,
                        uint64_t levels[LEVELS_MAX])
{
    uint32_t depths[LEVELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < active_count; i++) {
        size_t place = 0;
        while (place < count && depths[place] > active[i]->depth) {
            place++;
        }
        if (place < count && depths[place] == active[i]->depth) {
            levels[place] |= active[i]->steps;
        } else if (count < LEVELS_MAX) {
            memmove(&levels[place + 1], &levels[place], (count - place) * sizeof(*levels));
            memmove(&depths[place + 1], &depths[place], (count - place) * sizeof(*depths));
            levels[place] = active[i]->steps;
            depths[place] = active[i]->depth;
            count++;
        }
    }
    return count;
}

/* Whether the last segment ends there and has the same levels: then it only grows. */
static bool grows_last(const struct code_segments *segments, size_t first_own, uint64_t start,
                       const uint64_t *levels, size_t level_count)
{
    if (segments->count == first_own) {
        return false;
    }
    const struct plan_table_segment *last = &segments->items[segments->count - 1];
    return last->end == start && last->level_count == level_count &&
           memcmp(&segments->levels[last->first_level], levels, level_count * sizeof(*levels)) == 0;
}

static int add_segment(struct code_segments *segments, size_t first_own, uint64_t start,
                       uint64_t end, const uint64_t *levels, size_t level_count)
{
    if (grows_last(segments, first_own, start, levels, level_count)) {
        segments->items[segments->count - 1].end = end;
        return 0;
    }
    int r = vec_reserve((void **)&segments->items, &segments->capacity, segments->count + 1,
                        sizeof(*segments->items));
    if (r == 0) {
        r = vec_reserve((void **)&segments->levels, &segments->level_capacity,
                        segments->level_count + level_count, sizeof(*segments->levels));
    }
    if (r == 0) {
        memcpy(&segments->levels[segments->level_count], levels, level_count * sizeof(*levels));
        segments->items[segments->count++] = (struct plan_table_segment){
            .start = start,
            .end = end,
            .first_level = (uint32_t)segments->level_count,
            .level_count = (uint32_t)level_count,
        };
        segments->level_count += level_count;
    }
    return r;
}

/* The address before which nothing begins or ends. */
static uint64_t next_edge(const struct code_ranges *ranges, size_t next,
                          const struct code_range *const *active, size_t active_count)
{
    uint64_t edge = next < ranges->count ? ranges->items[next].start : UINT64_MAX;
    for (size_t i = 0; i < active_count; i++) {
        edge = active[i]->end < edge ? active[i]->end : edge;
    }
    return edge;
}

int code_segments_add(struct code_segments *segments, struct code_ranges *ranges)
{
    const struct code_range **active = calloc(ranges->count + 1, sizeof(*active));
    const size_t first_own = segments->count;
    size_t active_count = 0;
    size_t next = 0;
    int r = active != NULL ? 0 : -ENOMEM;
    if (ranges->count > 0) {
        qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_ranges);
    }
    uint64_t at = ranges->count > 0 ? ranges->items[0].start : 0;
    while (r == 0 && (next < ranges->count || active_count > 0)) {
        size_t kept = 0;
        for (size_t i = 0; i < active_count; i++) {
            if (active[i]->end > at) {
                active[kept++] = active[i];
            }
        }
        active_count = kept;
        while (next < ranges->count && ranges->items[next].start <= at) {
            active[active_count++] = &ranges->items[next++];
        }
        uint64_t levels[LEVELS_MAX];
        uint64_t end = next_edge(ranges, next, active, active_count);
        size_t level_count = levels_at(active, active_count, levels);
        if (level_count > 0) {
            r = add_segment(segments, first_own, at, end, levels, level_count);
        }
        at = end;
    }
    free(active);
    return r;
}

void code_segments_fini(struct code_segments *segments)
{
    free(segments->items);
    free(segments->levels);
    *segments = (struct code_segments){0};
}
