#include "frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frame_lanes.h"

static uint32_t lane_number(const struct frames_state *state, const struct frame_lane *lane)
{
    return (uint32_t)(lane - state->lanes);
}

/* Frames from the present one back to the one that holds that time; FRAME_DRAG_MAX: or more. */
static uint64_t frames_since(const struct frame_lane *lane, uint64_t at_ns)
{
    uint64_t low = 0; /* no more than the answer */
    uint64_t high = lane->frame < FRAME_DRAG_MAX ? lane->frame : FRAME_DRAG_MAX;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t started_ns = lane->starts_ns[(lane->frame - middle) % FRAME_DRAG_MAX];
        if (started_ns <= at_ns) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static int note_birth(struct frames_state *state, const struct block_facts *block)
{
    int result = 0;
    for (struct frame_lane *lane = frame_lanes_first(state, block->thread_id);
         lane != NULL && result == 0; lane = frame_lanes_next(state, lane)) {
        lane->last_id = block->id;
        if (lane->frame == lane->frame_total) {
            state->answer.series[lane->series].after_allocation_count++;
            continue;
        }
        lane->counts[FRAME_ALLOCATION_COUNT]++;
        lane->counts[FRAME_ALLOCATED_BYTES] += block->size_bytes;
        lane->counts[FRAME_SURVIVOR_COUNT]++;
        lane->live_bytes += block->size_bytes;
        if (lane->live_bytes > lane->counts[FRAME_PEAK_BYTES]) {
            lane->counts[FRAME_PEAK_BYTES] = lane->live_bytes;
        }
        result = frame_sites_add(&state->sites, lane_number(state, lane), block->stack_id,
                                 lane->frame, block->size_bytes);
    }
    return result;
}

static void note_death(struct frames_state *state, const struct block_facts *block,
                       uint32_t by_thread_id)
{
    for (struct frame_lane *lane = frame_lanes_first(state, block->thread_id); lane != NULL;
         lane = frame_lanes_next(state, lane)) {
        uint64_t drag = frames_since(lane, block->born_ns);
        if (drag == 0 && lane->frame == lane->frame_total) {
            continue; /* born after the last frame */
        }
        if (drag == 0 && lane->counts[FRAME_SURVIVOR_COUNT] > 0) {
            lane->counts[FRAME_SURVIVOR_COUNT]--;
            lane->live_bytes -= block->size_bytes;
            lane->counts[FRAME_TEMPORARY_COUNT] +=
                block->id == lane->last_id && by_thread_id == lane->thread_id;
        }
        frame_sites_free(&state->sites, lane_number(state, lane), block->stack_id, drag);
    }
}

static void note_free(struct frames_state *state, uint32_t thread_id)
{
    for (struct frame_lane *lane = frame_lanes_first(state, thread_id); lane != NULL;
         lane = frame_lanes_next(state, lane)) {
        lane->counts[FRAME_FREE_COUNT]++;
    }
}

static int end_frame(struct frames_state *state, struct frame_lane *lane, uint64_t at_ns)
{
    struct frame_spans *spans = &state->spans[lane->series];
    unsigned span = frame_span_of(lane->frame);
    int result = 0;
    for (int figure = 0; figure < FRAME_FIGURE_COUNT && result == 0; figure++) {
        result = spread_add(&spans->figures[figure][span], lane->counts[figure]);
    }
    warmup_note(&state->answer.series[lane->series].warmup, lane->frame, lane->frame_total,
                lane->counts);
    memset(lane->counts, 0, sizeof(lane->counts));
    lane->live_bytes = 0;
    lane->frame++;
    lane->starts_ns[lane->frame % FRAME_DRAG_MAX] = at_ns + 1;
    return result;
}

static int take_marks(struct frames_state *state, uint64_t before_ns, struct err *err)
{
    struct mark_row mark;
    int result;
    while ((result = mark_cursor_before(state->marks, before_ns, &mark, err)) > 0) {
        struct frame_lane *lane = frame_lanes_find(state, mark.thread_id, mark.name);
        if (lane != NULL && end_frame(state, lane, mark.at_ns) < 0) {
            return -ENOMEM;
        }
    }
    return result;
}

static int out_of_memory(struct err *err)
{
    return err_set_errno(err, ENOMEM, "cannot count frames");
}

static int observe_frames(void *context, const struct operation *operation, struct err *err)
{
    struct frames_state *state = context;
    if (state->answer.series_count == 0) {
        return 0;
    }
    int result = take_marks(state, operation->at_ns, err);
    if (result == 0 && operation->kind != OPERATION_ALLOC) {
        note_free(state, operation->thread_id);
        note_death(state, &operation->ended, operation->thread_id);
    }
    if (result == 0 && operation->kind != OPERATION_FREE) {
        result = note_birth(state, &operation->made);
    }
    return result == -ENOMEM ? out_of_memory(err) : result;
}

static int finish_frames(void *context, struct err *err)
{
    struct frames_state *state = context;
    int result = state->marks != NULL ? take_marks(state, UINT64_MAX, err) : 0;
    result = result == 0 ? frame_answer_work_out(state) : result;
    return result == -ENOMEM ? out_of_memory(err) : result;
}

static void destroy_frames(void *context)
{
    struct frames_state *state = context;
    if (state == NULL) {
        return;
    }
    frame_lanes_fini(state);
    free(state);
}

static int create_frames(const struct trace *trace, uint32_t process_id, void **out_state,
                         struct err *err)
{
    struct frames_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        return out_of_memory(err);
    }
    int result = frame_lanes_make(state, trace, process_id, err);
    if (result < 0) {
        destroy_frames(state);
        return result == -ENOMEM ? out_of_memory(err) : result;
    }
    *out_state = state;
    return 0;
}

const struct analysis frames_analysis = {
    .create = create_frames,
    .observe = observe_frames,
    .finish = finish_frames,
    .destroy = destroy_frames,
};
