/*
 * lane.h - the writing half of a lane (schema/ring.h): reserve, stamp, fill, publish.
 *
 * One thread, no locks. A system call is made only to wait when the whole ring is full.
 */
#ifndef ALLOCAUDIT_LANE_H
#define ALLOCAUDIT_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"
#include "../schema/ring.h"
#include "process.h"
#include "ticks.h"

/* A quarter of what a record's stamp can hold: a minute or more on any clock. */
#define LANE_STALE_TICKS (UINT64_C(1) << (EVENT_TICK_BITS - 2))

enum {
    LANE_TIMED_DENSELY = 2048, /* so many timed calls, then fewer */
};

struct counting;
struct census_part;

struct writer {
    uint64_t *cursor; /* where the next record goes; NULL: no chunk */
    uint64_t *limit;
    struct chunk *chunk;
    uint64_t base_ticks;
    uint64_t lost_count; /* events since the last chunk that could not be kept */
    uint32_t lane;
    uint32_t until_timed; /* calls until the next one that is timed */
    uint32_t timed_count; /* up to LANE_TIMED_DENSELY */
    uint32_t random;
    bool has_lane;
    struct counting *counting; /* the program counts along (counting.h); NULL: it does not */
    struct census_part *part;  /* of what all threads allocate; NULL: not of this lane */
};

/* Opens a lane for this thread. False when there is none left or nothing is to be recorded. */
bool lane_open(struct writer *writer, uint32_t tid, uint32_t level);

/* Tells the collector that nothing more will come. */
void lane_close(struct writer *writer);

/* The calling thread has a new name. `writer` is its own of level 0, or NULL if it has none yet. */
void lane_note_thread_name(const struct writer *writer);

/* Gets a fresh chunk, waiting for the collector if need be. False: the record must be given up. */
bool lane_refill(struct writer *writer);

/* True if nobody reads lanes any more. */
bool lane_collector_is_gone(struct ring_header *ring);

static inline bool lane_has_room(const struct writer *writer, size_t bytes)
{
    return (size_t)((char *)writer->limit - (char *)writer->cursor) >= bytes;
}

/* Makes sure that `bytes` can be written without a break. False: the record must be given up. */
static inline bool lane_reserve(struct writer *writer, size_t bytes)
{
    if (__builtin_expect(lane_has_room(writer, bytes), 1)) {
        return true;
    }
    return lane_refill(writer);
}

static inline uint32_t lane_published(const struct writer *writer)
{
    return (uint32_t)((const char *)writer->cursor - (const char *)writer->chunk->words);
}

/* From here to lane_publish() the collector holds back everything younger than now. */
static inline void lane_begin(struct writer *writer)
{
    atomic_store_explicit(&writer->chunk->published, lane_published(writer) | PUBLISHED_BUSY,
                          memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

/* Makes the words before `end` readable. */
static inline void lane_publish(struct writer *writer, uint64_t *end)
{
    writer->cursor = end;
    atomic_store_explicit(&writer->chunk->published, lane_published(writer), memory_order_release);
}

/* Leaves a lane_begin() without having written anything. */
static inline void lane_cancel(struct writer *writer)
{
    lane_publish(writer, writer->cursor);
}

/* The current stamp as a distance from the chunk's base. */
static inline uint64_t lane_stamp(const struct writer *writer)
{
    return ticks_now(process->clock) - writer->base_ticks;
}

/*
 * True for one call in about sixteen, and one in sixty-four once there were many: reading the clock
 * twice on every call would cost too much.
 */
static inline bool lane_is_timed(struct writer *writer)
{
    if (__builtin_expect(writer->until_timed-- != 0, 1)) {
        return false;
    }
    writer->random = writer->random * 1664525u + 1013904223u;
    bool is_early = writer->timed_count < LANE_TIMED_DENSELY;
    writer->timed_count += is_early;
    writer->until_timed = writer->random >> (is_early ? 27 : 25); /* 0..31 or 0..127 */
    return true;
}

/*
 * The next lines of the chunk were read by the collector's processor when they were last in use:
 * asking for them some records ahead hides what it takes to get them back.
 */
static inline void lane_prefetch(const struct writer *writer)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw 256(%0)" : : "r"(writer->cursor));
#else
    __builtin_prefetch(writer->cursor + 32, 1);
#endif
}

#endif
