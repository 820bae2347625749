/*
 * frame_arena.h - the blocks that a replay keeps in frame arenas instead of in its allocator: those
 * of a few call sites, in an arena for each thread, in which a frame ends where the thread was
 * recorded to have said so.
 *
 * The arena is the frame policy (interposer/policy/frame.h), whose memory and time are measured
 * with all the rest; each block is still given back to it. What it declines is the allocator's.
 */
#ifndef ALLOCAUDIT_FRAME_ARENA_H
#define ALLOCAUDIT_FRAME_ARENA_H

#include <stdint.h>

#include "../base/map.h"

struct frame_arena {
    struct map stacks;       /* by stack.id; the values mean nothing */
    const char *series_name; /* whose marks end frames ("": those of allocaudit_frame()) */
    uint64_t chunk_bytes;    /* this and the next as the policy's settings */
    uint64_t spare_count;
};

#endif
