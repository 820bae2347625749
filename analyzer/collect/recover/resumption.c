#include "resumption.h"

#include <errno.h>

#include "../drain/reader.h"

static bool resumption_has_born(const struct survivors *survivors, const struct reader *reader,
                                uint64_t address, uint64_t stamp_ns)
{
    const struct subject *subject = reader->context.subject;
    const struct block *block = live_find(&subject->live, address);
    if (block != NULL && block->born_ns == stamp_ns && block->thread == reader->context.thread) {
        return true;
    }
    for (size_t i = 0; i < subject->parked_count; i++) {
        const struct block *parked = &subject->parked[i].block;
        if (parked->address == address && parked->born_ns == stamp_ns) {
            return true;
        }
    }
    return survivors->row_count > 0 && survivors->last_address == address &&
           survivors->last_born_ns == stamp_ns &&
           survivors->last_thread_id == subject->threads[reader->context.thread].id;
}

static bool resumption_has_freed(const struct survivors *survivors, const struct reader *reader,
                                 uint64_t address, uint64_t stamp_ns)
{
    const struct subject *subject = reader->context.subject;
    const struct thread *thread = &subject->threads[reader->context.thread];
    for (size_t i = 0; i < subject->early_count; i++) {
        const struct early_free *early = &subject->early[i];
        if (early->address == address && early->death.died_ns == stamp_ns) {
            return true;
        }
    }
    if (thread->kept != NULL && thread->kept->stranger_ns == stamp_ns &&
        live_find(&subject->live, address) == NULL) {
        return true;
    }
    uint64_t died_ns = stamp_ns > survivors->last_born_ns ? stamp_ns : survivors->last_born_ns;
    return survivors->row_count > 0 && survivors->last_address == address &&
           survivors->last_died_ns == died_ns && survivors->last_by_id == thread->id;
}

/* True if the event at the reader's position has been applied already. */
static bool resumption_is_applied(const struct survivors *survivors, const struct reader *reader,
                                  const uint64_t *words)
{
    const struct replay *replay = survivors->replay;
    uint64_t stamp_ns = clock_ns(&survivors->drain->recording->clock, reader->next_ticks);
    uint64_t address_mask = (UINT64_C(1) << EVENT_ADDRESS_BITS) - 1;
    unsigned tag = event_tag(words[0]);
    if (tag - EVENT_ALLOC < ALLOC_KIND_MMAP) {
        return resumption_has_born(survivors, reader, words[1] & address_mask, stamp_ns);
    }
    if (tag - EVENT_ALLOC_WIDE < ALLOC_KIND_MMAP || tag - EVENT_PAUSED_ALLOC < ALLOC_KIND_COUNT) {
        return resumption_has_born(survivors, reader, words[1], stamp_ns);
    }
    if (tag - EVENT_FREE < FREE_KIND_COUNT || tag - EVENT_PAUSED_FREE < FREE_KIND_COUNT) {
        return resumption_has_freed(survivors, reader, event_free_address(words), stamp_ns);
    }
    return replay->last_lane == reader->lane_index &&
           replay->last_position == reader_position(reader) &&
           (replay->last_head == words[0] || tag == EVENT_STACK);
}

/* Looks at the event before the reader's position: the chunk is read from its start again. */
static void resumption_look_back(const struct survivors *survivors, struct reader *reader)
{
    const struct chunk *chunk = ring_chunk(survivors->remains->session.ring, reader->chunk);
    const uint64_t *before = NULL;
    uint32_t offset = 0;
    while (offset < reader->offset_bytes) {
        before = chunk->words + offset / 8;
        size_t bytes = event_bytes(before, reader->offset_bytes - offset);
        if (bytes == 0) {
            return;
        }
        offset += (uint32_t)bytes;
    }
    if (before != NULL && event_tag(before[0]) == EVENT_FREE + FREE_KIND_REALLOC &&
        survivors->drain->recording->sample_bytes == 0) {
        uint64_t ticks = chunk->base_ticks + event_ticks(before[0]);
        reader->context.realloc_from_id = survivors_find_freed(
            survivors, before[1], clock_ns(&survivors->drain->recording->clock, ticks),
            &reader->context.realloc_from);
    }
}

static void resumption_place(struct survivors *survivors, struct reader *reader, uint64_t position)
{
    struct session *session = survivors->drain->session;
    uint32_t chunk = (uint32_t)(position >> 32);
    uint32_t offset = (uint32_t)position;
    uint64_t now = clock_ticks(&survivors->drain->recording->clock);
    if (chunk != RING_NO_CHUNK) {
        if (chunk > session->chunk_count || offset % 8 != 0 ||
            offset > sizeof(((struct chunk *)NULL)->words)) {
            reader->is_damaged = true;
            reader->context.subject->lost_event_count++;
            return;
        }
        reader->chunk = chunk;
        reader->offset_bytes = offset;
        reader->ahead_bytes = offset;
        reader->tail_chunk = chunk;
    }
    reader_look(reader, session, now, 0, UINT64_MAX);
    if (reader->next_ticks != UINT64_MAX) {
        const uint64_t *words = reader_peek(reader);
        if (words != NULL && resumption_is_applied(survivors, reader, words)) {
            reader_skip(reader, session);
        }
    }
    if (reader->chunk != RING_NO_CHUNK && !reader->is_damaged) {
        resumption_look_back(survivors, reader);
    }
}

/* Ends what can be read of a lane before its first event after `ticks`. The ring is our own copy.
 */
static void resumption_cut(const struct session *session, uint32_t first, uint64_t ticks)
{
    struct ring_header *ring = session->ring;
    uint32_t left = session->chunk_count; /* a chain is no longer */
    for (uint32_t number = first; number >= 1 && number <= session->chunk_count && left > 0;
         number = atomic_load(&ring_chunk(ring, number)->next), left--) {
        struct chunk *chunk = ring_chunk(ring, number);
        uint32_t limit = atomic_load(&chunk->published) & ~(uint32_t)PUBLISHED_BUSY;
        limit = limit > sizeof(chunk->words) ? sizeof(chunk->words) : limit;
        for (uint32_t offset = 0; offset < limit;) {
            const uint64_t *words = chunk->words + offset / 8;
            size_t bytes = event_bytes(words, limit - offset);
            if (bytes == 0) {
                return; /* the reader will find the damage */
            }
            if (chunk->base_ticks + event_ticks(words[0]) > ticks) {
                atomic_store(&chunk->published, offset);
                atomic_store(&chunk->next, RING_NO_CHUNK);
                return;
            }
            offset += (uint32_t)bytes;
        }
    }
}

/*
 * The first thread of a process that finds no collector ends the recording of all; but the others
 * go on to the end of their chunks, with frees of blocks whose births are missing. That tail is
 * left out.
 */
static void resumption_cut_tails(const struct survivors *survivors)
{
    const struct session *session = survivors->drain->session;
    struct ring_header *ring = session->ring;
    for (uint32_t i = 0; i < RING_LANE_CAPACITY; i++) {
        const struct lane *stopped = ring_lane(ring, i);
        uint64_t ticks = atomic_load(&stopped->stopped_ticks);
        for (uint32_t j = 0; ticks != 0 && j < RING_LANE_CAPACITY; j++) {
            struct lane *lane = ring_lane(ring, j);
            uint32_t state = atomic_load(&lane->state);
            uint64_t position = atomic_load(&lane->read_position);
            if ((state == LANE_OPEN || state == LANE_CLOSED) && position != LANE_READ_TO_END &&
                lane->process_key == stopped->process_key) {
                uint32_t first = (uint32_t)(position >> 32);
                resumption_cut(session,
                               first != RING_NO_CHUNK ? first : atomic_load(&lane->first_chunk),
                               ticks);
            }
        }
    }
}

int resumption_place_readers(struct survivors *survivors, struct err *err)
{
    struct drain *drain = survivors->drain;
    struct ring_header *ring = drain->session->ring;
    uint64_t now_ns = clock_ns(&drain->recording->clock, clock_ticks(&drain->recording->clock));
    resumption_cut_tails(survivors);
    for (uint32_t i = 0; i < RING_LANE_CAPACITY; i++) {
        struct lane *lane = ring_lane(ring, i);
        uint32_t state = atomic_load(&lane->state);
        uint64_t position = atomic_load(&lane->read_position);
        bool is_used = (state == LANE_OPEN || state == LANE_CLOSED) &&
                       position != LANE_READ_TO_END &&
                       atomic_load(&lane->first_chunk) != RING_NO_CHUNK;
        if (!is_used) {
            drain_close_lane(drain, i);
            atomic_store(&lane->state, LANE_FREE);
            continue;
        }
        if (drain->reader_of_lane[i] == NULL) {
            struct journal_lane opened = {
                .lane = i,
                .key = lane->process_key,
                .pid = lane->pid,
                .tid = lane->tid,
                .now_ns = now_ns,
            };
            if (drain_open_lane(drain, &opened) < 0) {
                return err_set(err, ENOMEM, "out of memory");
            }
        }
        resumption_place(survivors, drain->reader_of_lane[i], position);
    }
    return 0;
}
