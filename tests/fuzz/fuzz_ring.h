/*
 * fuzz_ring.h - what is fuzzed of the way from the ring to the rows, as fuzz_targets.h says.
 */
#ifndef ALLOCAUDIT_FUZZ_RING_H
#define ALLOCAUDIT_FUZZ_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/collect/drain/drain.h"

enum {
    FUZZ_PID = 4000000, /* of no process */
};

static inline int fuzz_drop_row(struct row_sink *sink, const struct block_row *row,
                                uint64_t *out_id, struct err *err)
{
    (void)sink;
    (void)row;
    (void)err;
    *out_id = 1;
    return 0;
}

/* The bytes as the records of two threads in turn, as the reader of a lane would hand them on. */
static inline void fuzz_events(const uint8_t *bytes, size_t count)
{
    struct recording recording = {0};
    struct row_sink sink = {.append = fuzz_drop_row};
    struct subject *subject = NULL;
    struct lane_context lanes[2] = {{0}};
    struct err err;
    uint64_t *words = calloc(count / 8 + 1, sizeof(*words));
    if (words == NULL || recording_init(&recording, NULL) < 0) {
        free(words);
        return;
    }
    recording.sink = &sink;
    recording.clock = (struct clock){.ns_per_tick_32 = UINT64_C(1) << 32};
    memcpy(words, bytes, count / 8 * 8);
    bool is_open = recording_subject(&recording, 1, FUZZ_PID, 0, &subject) == 0;
    for (unsigned i = 0; i < 2 && is_open; i++) {
        lanes[i].subject = subject;
        is_open = subject_open_thread(subject, 10 + i, 0, &lanes[i].thread) == 0;
    }
    uint64_t stamp_ns = 0;
    for (size_t at = 0; at < count / 8 && is_open;) {
        size_t record_bytes = event_bytes(words + at, (count / 8 - at) * 8);
        if (record_bytes == 0) {
            at++;
            continue;
        }
        stamp_ns += event_ticks(words[at]) & 0xffff;
        is_open = subject_apply(&lanes[stamp_ns & 1], words + at, stamp_ns, &err) == 0;
        at += record_bytes / 8;
    }
    if (subject != NULL) {
        (void)subject_finish(subject, &err);
    }
    free(lanes[0].sites);
    free(lanes[1].sites);
    recording_fini(&recording);
    free(words);
}

/* ---- a whole ring ------------------------------------------------------------------------------
 */

enum {
    FUZZ_CHUNKS = 4, /* the first two are those of lanes, each with another behind it */
    FUZZ_LANES = 2,
    FUZZ_POKE_WORDS = 2,
    FUZZ_CHUNK_WORDS = 256,
};

static inline void fuzz_reset_ring(struct ring_header *ring)
{
    memset(ring, 0, RING_LANES_OFFSET);
    memset(ring_lane(ring, 0), 0, 2 * FUZZ_LANES * sizeof(struct lane));
    atomic_store(&ring->is_recording, 1);
    atomic_store(&ring->chunk_count, FUZZ_CHUNKS);
    atomic_store(&ring->lane_high, FUZZ_LANES);
    for (uint32_t i = 0; i < FUZZ_CHUNKS; i++) {
        struct chunk *chunk = ring_chunk(ring, i + 1);
        memset(chunk, 0, offsetof(struct chunk, words));
        atomic_store(&chunk->next, i < FUZZ_LANES ? i + 1 + FUZZ_LANES : RING_NO_CHUNK);
    }
    for (uint32_t i = 0; i < FUZZ_LANES; i++) {
        struct lane *lane = ring_lane(ring, i);
        lane->process_key = 1;
        lane->pid = FUZZ_PID;
        lane->tid = FUZZ_PID + i;
        atomic_store(&lane->first_chunk, i + 1);
        atomic_store(&lane->state, LANE_CLOSED);
    }
}

/* A word of a lane or of a chunk's head gets a value: what a damaged program may have written. */
static inline void fuzz_poke(struct ring_header *ring, uint64_t where, uint64_t value)
{
    uint32_t *words = where & 8
                          ? (uint32_t *)ring_lane(ring, where >> 4 & (FUZZ_LANES - 1))
                          : (uint32_t *)ring_chunk(ring, 1 + (where >> 4 & (FUZZ_CHUNKS - 1)));
    words[where & (where & 8 ? 7 : 3)] = (uint32_t)value;
}

/* The first words poke, the first byte says how often; the rest are the events of the chunks. */
static inline void fuzz_fill_ring(struct ring_header *ring, const uint8_t *bytes, size_t count)
{
    size_t poke_count = count > 0 ? bytes[0] & 7u : 0;
    size_t at = poke_count * FUZZ_POKE_WORDS * 8 + 8;
    for (uint32_t i = 0; i < FUZZ_CHUNKS && at < count; i++) {
        struct chunk *chunk = ring_chunk(ring, i + 1);
        size_t part = count - at < FUZZ_CHUNK_WORDS * 8 ? count - at : FUZZ_CHUNK_WORDS * 8;
        memcpy(chunk->words, bytes + at, part);
        atomic_store(&chunk->published, (uint32_t)(part & ~(size_t)7));
        at += part;
    }
    for (size_t i = 0; i < poke_count && 8 + (i + 1) * FUZZ_POKE_WORDS * 8 <= count; i++) {
        uint64_t poke[FUZZ_POKE_WORDS];
        memcpy(poke, bytes + 8 + i * sizeof(poke), sizeof(poke));
        fuzz_poke(ring, poke[0], poke[1]);
    }
}

/* The bytes as lanes and chunks that the collector drains, as it does at a recording's end. */
static inline void fuzz_ring(const uint8_t *bytes, size_t count)
{
    static struct ring_header *ring;
    struct recording recording = {0};
    struct row_sink sink = {.append = fuzz_drop_row};
    struct drain drain;
    struct err err;
    ring = ring == NULL ? aligned_alloc(64, ring_bytes(FUZZ_CHUNKS)) : ring;
    if (ring == NULL) {
        return;
    }
    struct session session = {
        .ring = ring, .fd = -1, .chunk_count = FUZZ_CHUNKS, .chunk_max = FUZZ_CHUNKS};
    fuzz_reset_ring(ring);
    fuzz_fill_ring(ring, bytes, count);
    if (recording_init(&recording, NULL) < 0) {
        return;
    }
    recording.sink = &sink;
    recording.clock =
        (struct clock){.kind = RING_CLOCK_MONOTONIC, .ns_per_tick_32 = UINT64_C(1) << 32};
    if (drain_init(&drain, &session, &recording) == 0) {
        for (unsigned round = 0; round < 2 && drain_round(&drain, round == 1, &err) >= 0; round++) {
            drain_process_ended(&drain, 1);
        }
        for (size_t i = 0; i < recording.subject_count; i++) {
            (void)subject_finish(recording.subjects[i], &err);
        }
        drain_fini(&drain);
    }
    recording_fini(&recording);
}

#endif
