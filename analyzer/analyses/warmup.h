/*
 * warmup.h - where the steady state of a series of frames begins.
 *
 * Frames are summed up in spans, so that memory does not grow with their number: one frame each up
 * to frame 16, then four spans to each doubling. The warm-up ends with a span.
 *
 * The rule: what threads do in the second half of their frames is what the program does in the
 * long run. A span is unlike it if one of its frames allocated more or less often than any frame of
 * the second halves. The warm-up takes in unlike spans from the start, over gaps no longer than
 * itself and 16 frames more: so a cache that doubles still belongs to it, and a single late
 * outburst does not. The first frame always does: it holds whatever came before the frames.
 */
#ifndef ALLOCAUDIT_WARMUP_H
#define ALLOCAUDIT_WARMUP_H

#include <stdbool.h>
#include <stdint.h>

#include "spread.h"

enum {
    FRAME_SPANS_MAX = 16 + 4 * 60,
    WARMUP_FRAMES_LEAST = 8, /* of fewer frames nothing is said */
};

/* The span of a frame, both counted from 0, and the first frame of a span. */
unsigned frame_span_of(uint64_t frame);
uint64_t frame_span_start(unsigned span);

/* Zeroed before the first warmup_note(). */
struct warmup {
    uint64_t frame_count; /* of the warm-up, in frames of each thread */
    uint64_t later_min;   /* allocations in a frame of the second halves, fewest and most */
    uint64_t later_max;
    bool has_later;
    bool is_known; /* false: too few frames to tell; then only the first is left out */
};

/* A frame of a thread that ends total_count frames has ended. */
void warmup_note(struct warmup *warmup, uint64_t frame, uint64_t total_count,
                 uint64_t allocation_count);

/* All have ended. allocations[span] holds the number of allocations of each frame of that span;
 * total_count: frames of the thread that has most. Sets frame_count and is_known. */
void warmup_find(const struct spread allocations[FRAME_SPANS_MAX], uint64_t total_count,
                 struct warmup *warmup);

#endif
