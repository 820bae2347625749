/*
 * frame_lanes.h - the state of the analysis of frames (frames.h): a lane for each thread and name
 * under which it ends frames, and what their frames came to.
 *
 * frame_lanes.c makes it, frames.c follows the calls, frame_answer.c works the answer out. Single
 * thread.
 */
#ifndef ALLOCAUDIT_FRAME_LANES_H
#define ALLOCAUDIT_FRAME_LANES_H

#include <stdint.h>

#include "../base/map.h"
#include "../db/query_mark.h"
#include "frame_sites.h"
#include "frames.h"

/* One thread's frames in one series. */
struct frame_lane {
    uint32_t thread_id;
    uint32_t series;
    uint64_t frame_total; /* frames that end with a mark */
    uint64_t frame;       /* the present one, from 0; frame_total: after the last mark */
    uint64_t counts[FRAME_FIGURE_COUNT];
    uint64_t live_bytes;                /* of blocks of the present frame */
    uint64_t last_id;                   /* of the block that its thread allocated last */
    uint64_t starts_ns[FRAME_DRAG_MAX]; /* of the latest frames, by frame % FRAME_DRAG_MAX */
};

/* What a series gathers until its warm-up is known. */
struct frame_spans {
    struct value_spread figures[FRAME_FIGURE_COUNT][FRAME_SPANS_MAX];
};

struct frames_state {
    struct frames answer;
    struct frame_spans *spans; /* by series */
    struct frame_lane *lanes;  /* by thread, then by series */
    size_t lane_count;
    size_t lane_capacity;
    struct map first_lanes; /* of each thread */
    struct frame_sites sites;
    struct mark_cursor *marks;
};

/* Finds out who ends frames, and how many. Returns 0, -ENOMEM, or another negative errno, told in
 * err. */
int frame_lanes_make(struct frames_state *state, const struct trace *trace, uint32_t process_id,
                     struct err *err);

/* The lanes of a thread are neighbours. NULL: there is none, or no further one. */
struct frame_lane *frame_lanes_first(const struct frames_state *state, uint32_t thread_id);
struct frame_lane *frame_lanes_next(const struct frames_state *state, struct frame_lane *lane);

/* The lane of a mark, or NULL. */
struct frame_lane *frame_lanes_find(const struct frames_state *state, uint32_t thread_id,
                                    const char *name);

/* Frees what the state holds. */
void frame_lanes_fini(struct frames_state *state);

/* Fills in state->answer, once all frames have ended. Returns 0 or -ENOMEM. */
int frame_answer_work_out(struct frames_state *state);

#endif
