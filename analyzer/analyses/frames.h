/*
 * frames.h - what a program allocates per frame: a turn of a game loop, a request, a step.
 *
 * A frame ends where a thread says so (table `mark`, kind frame) and belongs to that thread; its
 * first begins with the thread, and what comes after the last mark belongs to none. An allocation
 * counts in the frame of the thread that makes it, a free in the frame of the thread that frees. A
 * block is contained if it is freed, by whichever thread, before the frame in which it was
 * allocated ends; else it survives the frame. Its drag is the number of frames that it outlives its
 * own by. A realloc counts as an allocation and a free.
 *
 * Frames under different names (run --frame-symbol; "" is allocaudit_frame()) make series of their
 * own. Figures leave out the warm-up (warmup.h) unless they say otherwise.
 */
#ifndef ALLOCAUDIT_FRAMES_H
#define ALLOCAUDIT_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"
#include "spread.h"
#include "warmup.h"

enum {
    FRAME_SERIES_MAX = 8,  /* of more names, those with most frames */
    FRAME_DRAG_MAX = 1024, /* a longer drag counts as this */
    FRAME_NEARLY_PCT = 99, /* of a site's blocks contained: nearly frame-able */
};

struct frame_site {
    uint32_t stack_id;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t contained_count;
    uint64_t frame_count;             /* frames in which it allocated */
    uint64_t warmup_allocation_count; /* in the warm-up, which the others leave out */
    uint64_t warmup_contained_count;
    uint64_t late_count; /* freed in a later frame, warm-up included */
    uint64_t drag_sum;   /* frames by which those outlived their own */
    uint64_t drag_max;   /* FRAME_DRAG_MAX: this or more */
};

struct frame_series {
    char *name;
    uint32_t thread_count;
    uint64_t frame_count; /* of all threads, warm-up included */
    struct warmup warmup; /* in frames of each thread */
    uint64_t steady_frame_count;
    uint64_t allocating_frame_count; /* of the steady ones, those that allocate at all */
    struct spread_figures figures[FRAME_FIGURE_COUNT];
    struct spread_figures warmup_figures[FRAME_FIGURE_COUNT];
    struct frame_site *sites; /* by allocations, most first, then by stack; those that allocate in
                                 the warm-up alone stand last */
    size_t site_count;
    uint64_t after_allocation_count; /* by its threads after their last mark */
};

struct frames {
    struct frame_series *series; /* by number of frames, most first, then by name */
    size_t series_count;
    size_t left_out_count; /* names beyond FRAME_SERIES_MAX */
};

/* Its state is a struct frames. */
extern const struct analysis frames_analysis;

#endif
