/*
 * reader.h - the reading half of one lane (schema/ring.h).
 *
 * What the lane holds is checked before it is believed: a damaged lane ends, with its loss counted.
 */
#ifndef ALLOCAUDIT_READER_H
#define ALLOCAUDIT_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"
#include "subject.h"

struct reader {
    struct lane *lane;
    uint32_t lane_index;
    uint32_t pid;
    uint32_t chunk;        /* being read; RING_NO_CHUNK: none yet */
    uint32_t offset_bytes; /* read so far of it */
    uint32_t limit_bytes;  /* readable, as of the last look */
    uint32_t event_bytes;  /* of the event that reader_peek() gave */
    uint32_t ahead_bytes;  /* how far memory was prefetched for events to come */
    uint64_t next_ticks;   /* stamp of the event at offset_bytes; UINT64_MAX: none to read */
    uint32_t tail_chunk;   /* the chunk that the writer is in, as of the last look */
    uint32_t tail_word;    /* its `published` word then */
    uint64_t bound_ticks;  /* no later event of this lane will be stamped before this */
    uint64_t busy_since;   /* first look at which tail_word was as it is now */
    uint64_t last_ticks;   /* stamps never decrease */
    bool is_closed;        /* its thread had gone before the last look */
    bool is_ended;         /* its process has ended */
    bool is_damaged;
    struct lane_context context;
};

/* Where it is, as lane.read_position has it (schema/ring.h). */
static inline uint64_t reader_position(const struct reader *reader)
{
    return (uint64_t)reader->chunk << 32 | reader->offset_bytes;
}

/* Looks how far the writer is. now: clock_ticks() before the round; previous: before the last one.
 */
void reader_look(struct reader *reader, struct session *session, uint64_t now, uint64_t previous,
                 uint64_t stuck_ticks);

/* The event to be read next, or NULL; moves on to the next chunk, giving chunks back when read. */
const uint64_t *reader_peek(struct reader *reader, struct session *session);

/* Steps over the event that reader_peek() gave. */
void reader_skip(struct reader *reader, struct session *session);

/* True when everything is read and nothing more can come. */
bool reader_is_done(const struct reader *reader);

#endif
