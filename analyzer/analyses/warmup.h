/*
 * warmup.h - where the steady state of a series of frames begins.
 *
 * Frames are summed up in spans, so that memory does not grow with their number: one frame each up
 * to frame 16, then four spans to each doubling. The warm-up ends with a span.
 *
 * The rule: what threads do in the second half of their frames is what the program does in the
 * long run. A span is unlike it if a figure of one of its frames lies outside the range of the
 * second halves, by more than half the width of that range. The warm-up takes in unlike spans from
 * the start, over gaps no longer than itself and 16 frames more: so a cache that doubles still
 * belongs to it, and a single late outburst does not. The first frame always does: it holds
 * whatever came before the frames.
 */
#ifndef ALLOCAUDIT_WARMUP_H
#define ALLOCAUDIT_WARMUP_H

#include <stdbool.h>
#include <stdint.h>

#include "spread.h"

/* What is counted in each frame. */
enum frame_figure {
    FRAME_ALLOCATION_COUNT,
    FRAME_FREE_COUNT,
    FRAME_ALLOCATED_BYTES,
    FRAME_PEAK_BYTES, /* most bytes of blocks of this frame that were live at one moment in it */
    FRAME_SURVIVOR_COUNT,
    FRAME_TEMPORARY_COUNT, /* blocks of this frame freed by its thread before its next allocation */
    FRAME_FIGURE_COUNT
};

enum {
    FRAME_SPANS_MAX = 16 + 4 * 60,
    WARMUP_FRAMES_LEAST = 8, /* of fewer frames nothing is said */
};

/* The span of a frame, both counted from 0, and the first frame of a span. */
unsigned frame_span_of(uint64_t frame);
uint64_t frame_span_start(unsigned span);

/* Zeroed before the first warmup_note(). */
struct warmup {
    uint64_t frame_count;                   /* of the warm-up, in frames of each thread */
    uint64_t later_min[FRAME_FIGURE_COUNT]; /* in a frame of the second halves */
    uint64_t later_max[FRAME_FIGURE_COUNT];
    enum frame_figure reason; /* whose values made the warm-up's last span unlike */
    bool has_later;
    bool is_known; /* false: too few frames to tell; then only the first is left out */
    bool is_long;  /* a quarter of the frames or more: there may be no steady state */
};

/* A frame of a thread that ends total_count frames has ended. */
void warmup_note(struct warmup *warmup, uint64_t frame, uint64_t total_count,
                 const uint64_t values[FRAME_FIGURE_COUNT]);

/* All have ended. figures[figure][span] holds that figure of each frame of that span; total_count:
 * frames of the thread that has most. Sets what warmup_note() does not. */
void warmup_find(struct value_spread figures[FRAME_FIGURE_COUNT][FRAME_SPANS_MAX],
                 uint64_t total_count, struct warmup *warmup);

#endif
