#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"
#include "frame_lanes.h"

static int measure_figure(const struct value_spread spans[FRAME_SPANS_MAX], unsigned first,
                          unsigned end, struct spread_figures *out_figures, uint64_t *out_count)
{
    struct value_spread whole = {.value_count = 0};
    int result = 0;
    for (unsigned span = first; span < end && result == 0; span++) {
        result = spread_merge(&whole, &spans[span]);
    }
    if (result == 0) {
        result = spread_measure(&whole, out_figures);
    }
    *out_count = whole.value_count;
    spread_fini(&whole);
    return result;
}

static uint64_t longest_lane(const struct frames_state *state, uint32_t series)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < state->lane_count; i++) {
        const struct frame_lane *lane = &state->lanes[i];
        if (lane->series == series && lane->frame > longest) {
            longest = lane->frame;
        }
    }
    return longest;
}

static uint64_t count_zeros(const struct value_spread spans[FRAME_SPANS_MAX], unsigned first)
{
    uint64_t zeros = 0;
    for (unsigned span = first; span < FRAME_SPANS_MAX; span++) {
        uint32_t count = 0;
        zeros += map_get(&spans[span].counts, 0, &count) ? count : 0;
    }
    return zeros;
}

static int measure_series(struct frames_state *state, uint32_t number)
{
    struct frame_series *series = &state->answer.series[number];
    struct frame_spans *spans = &state->spans[number];
    warmup_find(spans->figures, longest_lane(state, number), &series->warmup);
    unsigned first =
        series->warmup.frame_count == 0 ? 0 : frame_span_of(series->warmup.frame_count);
    int result = 0;
    for (int figure = 0; figure < FRAME_FIGURE_COUNT && result == 0; figure++) {
        uint64_t warmup_count;
        result = measure_figure(spans->figures[figure], 0, first, &series->warmup_figures[figure],
                                &warmup_count);
        if (result == 0) {
            result = measure_figure(spans->figures[figure], first, FRAME_SPANS_MAX,
                                    &series->figures[figure], &series->steady_frame_count);
        }
    }
    series->allocating_frame_count =
        series->steady_frame_count - count_zeros(spans->figures[FRAME_ALLOCATION_COUNT], first);
    return result;
}

static struct frame_site *reach_site(struct frame_series *series, size_t *capacity,
                                     struct map *places, uint32_t stack_id)
{
    uint32_t place;
    if (map_get(places, stack_id, &place)) {
        return &series->sites[place];
    }
    if (vec_reserve((void **)&series->sites, capacity, series->site_count + 1,
                    sizeof(*series->sites)) < 0 ||
        map_put(places, stack_id, (uint32_t)series->site_count) < 0) {
        return NULL;
    }
    struct frame_site *site = &series->sites[series->site_count++];
    *site = (struct frame_site){.stack_id = stack_id};
    return site;
}

static void add_entry(struct frame_site *site, const struct frame_site_entry *entry,
                      uint64_t warmup_frame_count)
{
    for (size_t i = 0; i < entry->span_count; i++) {
        const struct frame_site_span *span = &entry->spans[i];
        if (frame_span_start(span->span) < warmup_frame_count) {
            site->warmup_allocation_count += span->allocation_count;
            site->warmup_contained_count += span->contained_count;
            continue;
        }
        site->allocation_count += span->allocation_count;
        site->allocated_bytes += span->allocated_bytes;
        site->contained_count += span->contained_count;
        site->frame_count += span->frame_count;
    }
    site->late_count += entry->late_count;
    site->drag_sum += entry->drag_sum;
    site->drag_max = entry->drag_max > site->drag_max ? entry->drag_max : site->drag_max;
}

static int compare_sites(const void *left, const void *right)
{
    const struct frame_site *a = left;
    const struct frame_site *b = right;
    if (a->allocation_count != b->allocation_count) {
        return a->allocation_count > b->allocation_count ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

static int gather_sites(struct frames_state *state, uint32_t number)
{
    struct frame_series *series = &state->answer.series[number];
    struct map places = {.slot_count = 0};
    size_t capacity = 0;
    int result = 0;
    for (size_t i = 0; i < state->sites.count && result == 0; i++) {
        const struct frame_site_entry *entry = &state->sites.entries[i];
        if (state->lanes[entry->lane].series != number) {
            continue;
        }
        struct frame_site *site = reach_site(series, &capacity, &places, entry->stack_id);
        if (site == NULL) {
            result = -ENOMEM;
        } else {
            add_entry(site, entry, series->warmup.frame_count);
        }
    }
    if (series->sites != NULL) {
        qsort(series->sites, series->site_count, sizeof(*series->sites), compare_sites);
    }
    map_fini(&places);
    return result;
}

int frame_answer_work_out(struct frames_state *state)
{
    int result = 0;
    for (uint32_t i = 0; i < state->answer.series_count && result == 0; i++) {
        result = measure_series(state, i);
        if (result == 0) {
            result = gather_sites(state, i);
        }
    }
    return result;
}
