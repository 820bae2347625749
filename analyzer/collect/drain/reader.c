#include "reader.h"

#include "../../../schema/event.h"

static bool reader_chunk_is_valid(const struct session *session, uint32_t number)
{
    return number >= 1 && number <= session->chunk_count;
}

static uint32_t reader_word(const struct session *session, uint32_t chunk)
{
    return atomic_load_explicit(&ring_chunk(session->ring, chunk)->published, memory_order_acquire);
}

static uint32_t reader_next(const struct session *session, uint32_t chunk)
{
    return atomic_load_explicit(&ring_chunk(session->ring, chunk)->next, memory_order_acquire);
}

static void reader_damage(struct reader *reader)
{
    reader->is_damaged = true;
    reader->next_ticks = UINT64_MAX;
    reader->context.subject->lost_event_count++;
}

/* Finds the last chunk and what its writer is doing. */
static bool reader_find_tail(struct reader *reader, struct session *session, uint32_t *out_word)
{
    uint32_t tail = reader->tail_chunk;
    if (tail == RING_NO_CHUNK) {
        tail = atomic_load_explicit(&reader->lane->first_chunk, memory_order_acquire);
        if (tail == RING_NO_CHUNK) {
            return false;
        }
        if (!reader_chunk_is_valid(session, tail)) {
            reader_damage(reader);
            return false;
        }
        reader->chunk = tail;
        reader->offset_bytes = 0;
    }
    uint32_t word = reader_word(session, tail);
    uint32_t chunk_count = 1;
    for (uint32_t next; (next = reader_next(session, tail)) != RING_NO_CHUNK;) {
        if (!reader_chunk_is_valid(session, next) || ++chunk_count > session->chunk_count) {
            reader_damage(reader);
            return false;
        }
        tail = next;
        word = reader_word(session, tail);
        if (word == PUBLISHED_FREE) {
            reader_damage(reader);
            return false;
        }
    }
    if (tail != reader->tail_chunk) {
        reader->tail_word = ~word; /* a new chunk is a change */
        reader->tail_chunk = tail;
    }
    *out_word = word;
    return true;
}

static void reader_note_position(struct reader *reader)
{
    atomic_store_explicit(&reader->lane->read_position, reader_position(reader),
                          memory_order_release);
}

void reader_look(struct reader *reader, struct session *session, uint64_t now, uint64_t previous,
                 uint64_t stuck_ticks)
{
    uint32_t word;
    reader->is_closed =
        atomic_load_explicit(&reader->lane->state, memory_order_acquire) == LANE_CLOSED;
    if (reader->is_damaged || !reader_find_tail(reader, session, &word)) {
        reader->bound_ticks = now;
        return;
    }
    if ((word & PUBLISHED_BUSY) == 0 || reader->is_ended) {
        reader->bound_ticks = now;
        reader->busy_since = now;
    } else if (word != reader->tail_word) {
        reader->bound_ticks = previous;
        reader->busy_since = now;
    } else if (now - reader->busy_since > stuck_ticks) {
        reader->bound_ticks = now; /* its hook was left by longjmp; waiting would never end */
    }
    reader->tail_word = word;
    reader_find_next(reader, session);
    if (reader->next_ticks != UINT64_MAX && reader->next_ticks > now + stuck_ticks) {
        reader_damage(reader); /* no clock runs ahead so far: waiting for it would never end */
    }
}

/* Sets limit_bytes and next_ticks from the present position. */
void reader_find_next(struct reader *reader, struct session *session)
{
    uint32_t chunk_count = 0;
    reader->next_ticks = UINT64_MAX;
    while (!reader->is_damaged && reader->chunk != RING_NO_CHUNK) {
        struct chunk *chunk = ring_chunk(session->ring, reader->chunk);
        reader->at = chunk;
        uint32_t next = reader_next(session, reader->chunk);
        reader->limit_bytes = reader_word(session, reader->chunk) & ~(uint32_t)PUBLISHED_BUSY;
        if (reader->limit_bytes > sizeof(chunk->words)) {
            reader_damage(reader);
            return;
        }
        if (reader->offset_bytes < reader->limit_bytes) {
            const uint64_t *words = chunk->words + reader->offset_bytes / 8;
            uint64_t ticks = chunk->base_ticks + event_ticks(words[0]);
            reader->next_ticks = reader_stamp(reader, ticks);
            return;
        }
        if (next == RING_NO_CHUNK) {
            return;
        }
        if (!reader_chunk_is_valid(session, next) || ++chunk_count > session->chunk_count) {
            reader_damage(reader);
            return;
        }
        if (reader->tail_chunk == reader->chunk) {
            reader->tail_chunk = next; /* read on beyond what the last look had seen */
            reader->tail_word = 0;
        }
        uint32_t done = reader->chunk;
        reader->chunk = next;
        reader->offset_bytes = 0;
        reader->ahead_bytes = 0;
        reader_note_position(reader); /* before another writer can take the chunk */
        session_give_chunk(session, done);
    }
}

const uint64_t *reader_peek_slowly(struct reader *reader)
{
    const uint64_t *words = reader_words(reader);
    reader->event_bytes = (uint32_t)event_bytes(words, reader->limit_bytes - reader->offset_bytes);
    if (reader->event_bytes == 0) {
        reader_damage(reader);
        return NULL;
    }
    return words;
}

/*
 * In two steps some events apart, since where the block lies is known only when its entry is here.
 * At most two events a call: reading goes on at the same pace.
 */
void reader_prefetch(struct reader *reader)
{
    const struct live *live = &reader->context.subject->live;
    if (reader->ahead_bytes < reader->offset_bytes) {
        reader->ahead_bytes = reader->offset_bytes;
    }
    for (int steps = 0; steps < 2 && reader->ahead_bytes < reader->limit_bytes &&
                        reader->ahead_bytes - reader->offset_bytes < READER_AHEAD_BYTES;
         steps++) {
        const uint64_t *words = reader->at->words + reader->ahead_bytes / 8;
        size_t bytes = event_bytes(words, reader->limit_bytes - reader->ahead_bytes);
        if (bytes == 0) {
            return;
        }
        uint64_t *waiting = &reader->ahead_addresses[reader->ahead_count++ % READER_AHEAD_EVENTS];
        live_prefetch_block(live, *waiting);
        *waiting = words[1] & ((UINT64_C(1) << EVENT_ADDRESS_BITS) - 1);
        live_prefetch_entry(live, *waiting);
        reader->ahead_bytes += (uint32_t)bytes;
    }
}

bool reader_is_done(const struct reader *reader)
{
    return reader->is_damaged ||
           ((reader->is_closed || reader->is_ended) && reader->next_ticks == UINT64_MAX);
}
