/*
 * ring_writer.h - for tests: the program's side of the ring, written from the contract in
 * schema/ring.h and not from the recorder's own code. A writer belongs to one thread.
 */
#ifndef ALLOCAUDIT_RING_WRITER_H
#define ALLOCAUDIT_RING_WRITER_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../schema/event.h"
#include "../../schema/ring.h"

struct ring_writer {
    struct ring_header *ring;
    struct chunk *chunk;
    uint32_t lane;
    uint32_t chunk_number;
    uint32_t used_bytes;  /* of the chunk, published or held */
    uint64_t wait_count;  /* how often there was no chunk */
    uint32_t stack_count; /* sent so far */
    uint64_t first_ticks; /* base of the next chunk, if not 0 */
};

/* Takes a free lane. False: there is none. */
static inline bool ring_writer_claim(struct ring_writer *writer)
{
    struct ring_header *ring = writer->ring;
    for (uint32_t i = 0; i < RING_LANE_CAPACITY; i++) {
        uint32_t expected = LANE_FREE;
        if (atomic_compare_exchange_strong(&ring_lane(ring, i)->state, &expected, LANE_CLAIMED)) {
            uint32_t high = atomic_load(&ring->lane_high);
            while (high <= i && !atomic_compare_exchange_weak(&ring->lane_high, &high, i + 1)) {
            }
            writer->lane = i;
            return true;
        }
    }
    return false;
}

/* Opens a lane, without a chunk yet. False: there is none. */
static inline bool ring_writer_open(struct ring_writer *writer, struct ring_header *ring,
                                    uint32_t process_key, uint32_t pid, uint32_t tid)
{
    *writer = (struct ring_writer){.ring = ring};
    if (!ring_writer_claim(writer)) {
        return false;
    }
    struct lane *lane = ring_lane(ring, writer->lane);
    lane->process_key = process_key;
    lane->pid = pid;
    lane->tid = tid;
    lane->level = 0;
    atomic_store_explicit(&lane->first_chunk, RING_NO_CHUNK, memory_order_relaxed);
    atomic_store_explicit(&lane->state, LANE_OPEN, memory_order_release);
    return true;
}

static inline void ring_writer_close(struct ring_writer *writer)
{
    atomic_store_explicit(&ring_lane(writer->ring, writer->lane)->state, LANE_CLOSED,
                          memory_order_release);
}

/* Waits for a free chunk and links it. Stamps in it count from base_ticks. */
static inline void ring_writer_refill(struct ring_writer *writer, uint64_t base_ticks)
{
    uint32_t number = ring_take_chunk(writer->ring);
    if (number == RING_NO_CHUNK) {
        writer->wait_count++;
        atomic_fetch_add(&writer->ring->waiting_count, 1);
        while ((number = ring_take_chunk(writer->ring)) == RING_NO_CHUNK) {
            sched_yield();
        }
        atomic_fetch_sub(&writer->ring->waiting_count, 1);
    }
    struct chunk *previous = writer->chunk;
    writer->chunk = ring_chunk(writer->ring, number);
    writer->chunk_number = number;
    writer->used_bytes = 0;
    writer->chunk->base_ticks = base_ticks;
    atomic_store_explicit(&writer->chunk->next, RING_NO_CHUNK, memory_order_relaxed);
    atomic_store_explicit(&writer->chunk->published, 0, memory_order_release);
    atomic_store_explicit(previous != NULL ? &previous->next
                                           : &ring_lane(writer->ring, writer->lane)->first_chunk,
                          number, memory_order_release);
}

/* Makes room for a record; base_ticks is used if a fresh chunk is needed. */
static inline void ring_writer_reserve(struct ring_writer *writer, size_t bytes,
                                       uint64_t base_ticks)
{
    if (writer->chunk == NULL || sizeof(writer->chunk->words) - writer->used_bytes < bytes) {
        ring_writer_refill(writer, base_ticks);
    }
}

/* Says that a stamp is about to be taken. Needs room that was reserved. */
static inline void ring_writer_begin(struct ring_writer *writer)
{
    atomic_store(&writer->chunk->published, writer->used_bytes | PUBLISHED_BUSY);
}

/* Adds a record behind what is there and shows it. words[0] has no stamp yet. */
static inline void ring_writer_publish(struct ring_writer *writer, const uint64_t *words,
                                       size_t bytes, uint64_t ticks)
{
    uint64_t *to = writer->chunk->words + writer->used_bytes / 8;
    memcpy(to, words, bytes);
    to[0] |= ticks - writer->chunk->base_ticks;
    writer->used_bytes += (uint32_t)bytes;
    atomic_store_explicit(&writer->chunk->published, writer->used_bytes, memory_order_release);
}

static inline void ring_writer_put(struct ring_writer *writer, const uint64_t *words, size_t bytes,
                                   uint64_t ticks)
{
    ring_writer_reserve(writer, bytes, ticks);
    ring_writer_begin(writer);
    ring_writer_publish(writer, words, bytes, ticks);
}

static inline void ring_writer_alloc(struct ring_writer *writer, uint64_t ticks, uint64_t address,
                                     uint32_t size_bytes, uint32_t stack)
{
    const uint64_t words[] = {event_head(EVENT_ALLOC + ALLOC_KIND_MALLOC, 0, 0), address,
                              (uint64_t)stack << 32 | size_bytes};
    ring_writer_put(writer, words, sizeof(words), ticks);
}

static inline void ring_writer_free(struct ring_writer *writer, uint64_t ticks, uint64_t address)
{
    const uint64_t words[] = {event_head(EVENT_FREE + FREE_KIND_FREE, 0, 0), address};
    ring_writer_put(writer, words, sizeof(words), ticks);
}

/* Defines the lane's next stack, of one frame. Returns its number. */
static inline uint32_t ring_writer_stack(struct ring_writer *writer, uint64_t ticks,
                                         uint64_t return_address)
{
    const uint64_t words[] = {event_head(EVENT_STACK, 0, 0),
                              UINT64_C(1) << 32 | ++writer->stack_count, return_address};
    ring_writer_put(writer, words, sizeof(words), ticks);
    return writer->stack_count;
}

#endif
