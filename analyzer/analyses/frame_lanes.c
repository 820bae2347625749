#include "frame_lanes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

static int reach_series(struct frames *answer, size_t *capacity, const char *name,
                        struct frame_series **out_series)
{
    size_t count = answer->series_count;
    if (count > 0 && strcmp(answer->series[count - 1].name, name) == 0) {
        *out_series = &answer->series[count - 1];
        return 0;
    }
    if (vec_reserve((void **)&answer->series, capacity, count + 1, sizeof(*answer->series)) < 0) {
        return -ENOMEM;
    }
    struct frame_series *series = &answer->series[count];
    *series = (struct frame_series){.name = strdup(name)};
    if (series->name == NULL) {
        return -ENOMEM;
    }
    answer->series_count++;
    *out_series = series;
    return 0;
}

/* First all series are made, then the lanes of those that are kept. */
struct series_reader {
    struct frames *answer;
    size_t capacity;
};

static int read_series(void *context, const struct frame_group_row *row)
{
    struct series_reader *reader = context;
    struct frame_series *series = NULL;
    int result = reach_series(reader->answer, &reader->capacity, row->name, &series);
    if (result == 0) {
        series->thread_count++;
        series->frame_count += row->mark_count;
    }
    return result;
}

static int compare_series(const void *left, const void *right)
{
    const struct frame_series *a = left;
    const struct frame_series *b = right;
    if (a->frame_count != b->frame_count) {
        return a->frame_count > b->frame_count ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static int find_series(const struct frames *answer, const char *name)
{
    for (size_t i = 0; i < answer->series_count; i++) {
        if (strcmp(answer->series[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int read_lane(void *context, const struct frame_group_row *row)
{
    struct frames_state *state = context;
    int series = find_series(&state->answer, row->name);
    if (series < 0) {
        return 0;
    }
    if (vec_reserve((void **)&state->lanes, &state->lane_capacity, state->lane_count + 1,
                    sizeof(*state->lanes)) < 0) {
        return -ENOMEM;
    }
    struct frame_lane *lane = &state->lanes[state->lane_count++];
    *lane = (struct frame_lane){
        .thread_id = row->thread_id,
        .series = (uint32_t)series,
        .frame_total = row->mark_count,
    };
    return 0;
}

static int compare_lanes(const void *left, const void *right)
{
    const struct frame_lane *a = left;
    const struct frame_lane *b = right;
    if (a->thread_id != b->thread_id) {
        return a->thread_id < b->thread_id ? -1 : 1;
    }
    return (a->series > b->series) - (a->series < b->series);
}

static int index_lanes(struct frames_state *state)
{
    qsort(state->lanes, state->lane_count, sizeof(*state->lanes), compare_lanes);
    int result = 0;
    for (size_t i = state->lane_count; i-- > 0 && result == 0;) {
        result = map_put(&state->first_lanes, state->lanes[i].thread_id, (uint32_t)i);
    }
    return result;
}

static void keep_largest_series(struct frames *answer)
{
    qsort(answer->series, answer->series_count, sizeof(*answer->series), compare_series);
    while (answer->series_count > FRAME_SERIES_MAX) {
        free(answer->series[--answer->series_count].name);
        answer->left_out_count++;
    }
}

int frame_lanes_make(struct frames_state *state, const struct trace *trace, uint32_t process_id,
                     struct err *err)
{
    struct series_reader reader = {.answer = &state->answer};
    int result = query_frame_groups(trace->db, process_id, read_series, &reader, err);
    if (result < 0 || state->answer.series_count == 0) {
        return result;
    }
    keep_largest_series(&state->answer);
    result = query_frame_groups(trace->db, process_id, read_lane, state, err);
    if (result < 0) {
        return result;
    }
    state->spans = calloc(state->answer.series_count, sizeof(*state->spans));
    if (state->spans == NULL || index_lanes(state) < 0) {
        return -ENOMEM;
    }
    return frame_marks_open(trace->db, process_id, &state->marks, err);
}

struct frame_lane *frame_lanes_first(const struct frames_state *state, uint32_t thread_id)
{
    uint32_t place;
    return map_get(&state->first_lanes, thread_id, &place) ? &state->lanes[place] : NULL;
}

struct frame_lane *frame_lanes_next(const struct frames_state *state, struct frame_lane *lane)
{
    struct frame_lane *next = lane + 1;
    bool is_there = next < state->lanes + state->lane_count && next->thread_id == lane->thread_id;
    return is_there ? next : NULL;
}

struct frame_lane *frame_lanes_find(const struct frames_state *state, uint32_t thread_id,
                                    const char *name)
{
    int series = find_series(&state->answer, name);
    struct frame_lane *lane = series < 0 ? NULL : frame_lanes_first(state, thread_id);
    while (lane != NULL && lane->series != (uint32_t)series) {
        lane = frame_lanes_next(state, lane);
    }
    return lane;
}

void frame_lanes_fini(struct frames_state *state)
{
    for (size_t i = 0; i < state->answer.series_count; i++) {
        free(state->answer.series[i].name);
        free(state->answer.series[i].sites);
        for (int figure = 0; figure < FRAME_FIGURE_COUNT && state->spans != NULL; figure++) {
            for (int span = 0; span < FRAME_SPANS_MAX; span++) {
                spread_fini(&state->spans[i].figures[figure][span]);
            }
        }
    }
    free(state->answer.series);
    free(state->spans);
    free(state->lanes);
    map_fini(&state->first_lanes);
    frame_sites_fini(&state->sites);
    mark_cursor_close(state->marks);
}
