/*
 * frame_sites.h - what each call stack allocates in frames, and how many frames its blocks outlive.
 *
 * Kept apart for each lane (a thread's frames under one name) and span of frames, so that the
 * warm-up can be left out once it is known. Memory grows with the sites and the logarithm of the
 * frames. Zeroed is a valid empty one. Single thread.
 */
#ifndef ALLOCAUDIT_FRAME_SITES_H
#define ALLOCAUDIT_FRAME_SITES_H

#include <stddef.h>
#include <stdint.h>

#include "../base/map.h"

/* Of one site in the frames of one span. */
struct frame_site_span {
    unsigned span;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t contained_count; /* freed in the frame in which they were allocated */
    uint64_t frame_count;     /* frames in which it allocated */
};

struct frame_site_entry {
    uint32_t lane;
    uint32_t stack_id;
    uint64_t last_frame;           /* in which it allocated, counted from 0 */
    struct frame_site_span *spans; /* by span */
    size_t span_count;
    size_t span_capacity;
    uint64_t late_count; /* blocks freed in a later frame */
    uint64_t drag_sum;   /* frames that those outlived their own by */
    uint64_t drag_max;
};

struct frame_sites {
    struct frame_site_entry *entries;
    size_t count;
    size_t capacity;
    struct map places; /* by lane and stack */
};

/* An allocation in that frame. Returns 0 or -ENOMEM. */
int frame_sites_add(struct frame_sites *sites, uint32_t lane, uint32_t stack_id, uint64_t frame,
                    uint64_t size_bytes);

/* A block of this site was freed: in its own frame, or drag_frames later. Blocks of sites that
 * never allocated in a frame are passed over. */
void frame_sites_free(struct frame_sites *sites, uint32_t lane, uint32_t stack_id,
                      uint64_t drag_frames);

void frame_sites_fini(struct frame_sites *sites);

#endif
