/*
 * reader.h - the reading half of one lane (schema/ring.h).
 *
 * What the lane holds is checked before it is believed: a damaged lane ends, with its loss counted.
 */
#ifndef ALLOCAUDIT_READER_H
#define ALLOCAUDIT_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../schema/event.h"
#include "../recording/subject.h"
#include "session.h"

enum {
    READER_TICKS_APART = 8,   /* of no clock less than a nanosecond */
    READER_AHEAD_EVENTS = 8,  /* between asking for an entry and for its block; a power of two */
    READER_AHEAD_BYTES = 480, /* how far ahead of the reading entries are asked for */
    READER_LARGE_SET = 8192,  /* live sets smaller than this lie in the caches anyway */
};

struct reader {
    struct lane *lane;
    uint32_t lane_index;
    uint32_t pid;
    uint32_t chunk;        /* being read; RING_NO_CHUNK: none yet */
    uint32_t offset_bytes; /* read so far of it */
    uint32_t limit_bytes;  /* readable, as of the last look */
    uint32_t event_bytes;  /* of the event that reader_peek() gave */
    uint32_t ahead_bytes;  /* how far memory was prefetched for events to come */
    uint32_t ahead_count;  /* of those events */
    uint64_t next_ticks;   /* stamp of the event at offset_bytes; UINT64_MAX: none to read */
    uint32_t tail_chunk;   /* the chunk that the writer is in, as of the last look */
    uint32_t tail_word;    /* its `published` word then */
    uint64_t bound_ticks;  /* no later event of this lane will be stamped before this */
    uint64_t busy_since;   /* first look at which tail_word was as it is now */
    uint64_t last_ticks;   /* stamps grow: see reader_stamp() */
    bool is_closed;        /* its thread had gone before the last look */
    bool is_ended;         /* its process has ended */
    bool is_damaged;
    const struct chunk *at; /* `chunk` in memory, where next_ticks is not UINT64_MAX */
    uint64_t ahead_addresses[READER_AHEAD_EVENTS]; /* the last ones prefetched for */
    struct lane_context context;
};

/* The event at its position. Only if next_ticks is not UINT64_MAX. */
static inline const uint64_t *reader_words(const struct reader *reader)
{
    return (const uint64_t *)((const char *)reader->at->words + reader->offset_bytes);
}

/* Where it is, as lane.read_position has it (schema/ring.h). */
static inline uint64_t reader_position(const struct reader *reader)
{
    return (uint64_t)reader->chunk << 32 | reader->offset_bytes;
}

/* Looks how far the writer is. now: clock_ticks() before the round; previous: before the last one.
 */
void reader_look(struct reader *reader, struct session *session, uint64_t now, uint64_t previous,
                 uint64_t stuck_ticks);

/* Turns to the next chunk that holds something, giving chunks back that are read. */
void reader_find_next(struct reader *reader, struct session *session);

/* reader_peek() of a rare or damaged event. */
const uint64_t *reader_peek_slowly(struct reader *reader);

/* Prefetches what the events to come will need: a large heap's blocks lie in no cache. */
void reader_prefetch(struct reader *reader);

/* The event to be read next, or NULL if the lane is damaged. Only if next_ticks is not UINT64_MAX.
 */
static inline const uint64_t *reader_peek(struct reader *reader)
{
    const uint64_t *words = reader_words(reader);
    unsigned tag = event_tag(words[0]);
    uint32_t available = reader->limit_bytes - reader->offset_bytes;
    if (tag - EVENT_ALLOC < ALLOC_KIND_COUNT && available >= 3 * 8) {
        reader->event_bytes = 3 * 8;
    } else if (tag - EVENT_FREE < FREE_KIND_COUNT && available >= 2 * 8) {
        reader->event_bytes = 2 * 8;
    } else {
        return reader_peek_slowly(reader);
    }
    return words;
}

/*
 * The stamp of an event behind one that was read. Where the thread has moved to a processor whose
 * clock is behind, it would be no larger; then it is taken to come a nanosecond or more later, as
 * rows of the same time do not tell in which order they came.
 */
static inline uint64_t reader_stamp(const struct reader *reader, uint64_t ticks)
{
    return ticks > reader->last_ticks ? ticks : reader->last_ticks + READER_TICKS_APART;
}

/* Steps over event_bytes. False at the end of what is known to be readable: reader_find_next(). */
static inline bool reader_step(struct reader *reader)
{
    uint32_t offset_bytes = reader->offset_bytes + reader->event_bytes;
    reader->last_ticks = reader->next_ticks;
    reader->offset_bytes = offset_bytes;
    atomic_store_explicit(&reader->lane->read_position, reader_position(reader),
                          memory_order_release);
    if (__builtin_expect(offset_bytes >= reader->limit_bytes, 0)) {
        return false;
    }
    uint64_t ticks = reader->at->base_ticks + event_ticks(reader_words(reader)[0]);
    reader->next_ticks = reader_stamp(reader, ticks);
    return true;
}

/* Steps over the event that reader_peek() gave. */
static inline void reader_skip(struct reader *reader, struct session *session)
{
    if (!reader_step(reader)) {
        reader_find_next(reader, session);
    }
}

/* True when everything is read and nothing more can come. */
bool reader_is_done(const struct reader *reader);

#endif
