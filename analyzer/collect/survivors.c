#include "survivors.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/map.h"
#include "../base/vec.h"
#include "reader.h"
#include "sweep.h"

enum {
    EARLY_FREE_NS = 100000, /* more than blocks.c waits for an early free's block */
    LATEST_ROWS = 100000,   /* that a row of the last moments is among */
};

static struct subject *survivors_subject(const struct survivors *survivors, uint32_t id)
{
    struct recording *recording = survivors->drain->recording;
    return id >= 1 && id <= recording->subject_count ? recording->subjects[id - 1] : NULL;
}

static bool survivors_is_valid(const struct subject *subject, const struct block *block)
{
    return block->kind < ALLOC_KIND_COUNT && block->thread < subject->thread_count &&
           (block->kind == ALLOC_KIND_INTERNAL || block->site < subject->tally.site_count);
}

/* Blocks whose thread or site nobody knows (the journal was cut) cannot be told of. */
static int survivors_load_subject(struct survivors *survivors, struct subject *subject)
{
    struct live kept = {0};
    int r = live_load(&kept, survivors->remains->directory, subject->id);
    if (r < 0 && r != -ENOMEM) {
        survivors->missing_count++;
        r = 0;
    }
    size_t cursor = 0;
    for (const struct block *b; r == 0 && (b = live_next(&kept, &cursor)) != NULL;) {
        if (survivors_is_valid(subject, b)) {
            r = live_insert(&subject->live, b);
        } else {
            subject->lost_event_count++;
        }
    }
    live_fini(&kept);
    return r;
}

static uint64_t survivors_key(uint64_t address, uint64_t born_ns)
{
    return map_mix(address) ^ born_ns;
}

/* A block that has a row is not live, or is counted by that row. */
static void survivors_drop(struct subject *subject, uint64_t address, uint64_t born_ns)
{
    struct block *block = live_find(&subject->live, address);
    if (block != NULL && block->born_ns == born_ns) {
        live_remove(&subject->live, block);
        return;
    }
    block = ranges_overlapping(&subject->ranges, address, 1);
    if (block != NULL && block->address == address && block->born_ns == born_ns) {
        ranges_remove(&subject->ranges, block);
    }
}

static void survivors_see_row(struct survivors *survivors, sqlite3_stmt *rows,
                              const struct sweep_place *places, struct map *parked)
{
    uint64_t id = (uint64_t)sqlite3_column_int64(rows, 0);
    uint64_t born_ns = (uint64_t)sqlite3_column_int64(rows, 1);
    const struct context *context = contexts_get(&survivors->drain->recording->contexts,
                                                 (uint64_t)sqlite3_column_int64(rows, 4));
    if (context == NULL) {
        return; /* sweep_count() will tell */
    }
    uint64_t address = context_address(context, (uint64_t)sqlite3_column_int64(rows, 3));
    uint64_t thread_id = context->thread_id;
    bool is_live = sqlite3_column_type(rows, 2) == SQLITE_NULL;
    uint32_t index;
    if (map_get(parked, survivors_key(address, born_ns), &index)) {
        (void)map_put(parked, survivors_key(address, born_ns), UINT32_MAX);
    }
    bool is_known = thread_id >= 1 && thread_id <= survivors->drain->recording->thread_count;
    if (is_known && (is_live || id == survivors->row_count)) {
        survivors_drop(places[thread_id].subject, address, born_ns);
    }
    if (id == survivors->row_count) {
        uint64_t by_id = context->freed_by_thread_id;
        survivors->last_address = address;
        survivors->last_born_ns = born_ns;
        survivors->last_died_ns =
            is_live ? BLOCK_ROW_LIVE : born_ns + (uint64_t)sqlite3_column_int64(rows, 2);
        survivors->last_thread_id = thread_id;
        survivors->last_by_id = by_id == 0 ? thread_id : by_id;
    }
}

static int survivors_see_rows(struct survivors *survivors, struct map *parked, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    struct sweep_place *places;
    int r = sweep_places(survivors->drain->recording, &places);
    if (r < 0) {
        return r;
    }
    int code = sqlite3_prepare_v2(survivors->database,
                                  "SELECT id, born_ns, lifetime_ns, address_offset, context_id"
                                  " FROM block",
                                  -1, &rows, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        code = SQLITE_OK;
        survivors_see_row(survivors, rows, places, parked);
    }
    sqlite3_finalize(rows);
    free(places);
    return code == SQLITE_DONE
               ? 0
               : err_set(err, EIO, "cannot read the rows: %s", sqlite3_errmsg(survivors->database));
}

/* Blocks that waited for the free of an older one at their address, and still do. */
static int survivors_unpark(struct survivors *survivors, const struct map *parked)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < survivors->replay->parked_count; i++) {
        const struct journal_parked *kept = survivors->replay->parked[i];
        struct subject *subject = survivors_subject(survivors, kept->subject_id);
        uint32_t index;
        bool is_open =
            subject != NULL && survivors_is_valid(subject, &kept->block) &&
            kept->block.kind != ALLOC_KIND_INTERNAL &&
            map_get(parked, survivors_key(kept->block.address, kept->block.born_ns), &index) &&
            index == (uint32_t)i;
        if (!is_open) {
            continue;
        }
        const struct block *other = live_find(&subject->live, kept->block.address);
        if (other == NULL) {
            r = live_insert(&subject->live, &kept->block);
        } else if (other->born_ns != kept->block.born_ns) {
            r = vec_reserve((void **)&subject->parked, &subject->parked_capacity,
                            subject->parked_count + 1, sizeof(*subject->parked));
            if (r == 0) {
                subject->parked[subject->parked_count++] = (struct parked){.block = kept->block};
            }
        }
    }
    return r;
}

/* Rows of a few moments are told apart by this part of the address and by their times. */
static sqlite3_int64 survivors_offset(uint64_t address)
{
    return (sqlite3_int64)(address & ((1u << CONTEXT_REGION_BITS) - 1));
}

/* True if the block of an early free has come, or can come no more. */
static bool survivors_is_settled(const struct survivors *survivors,
                                 const struct journal_early_free *kept)
{
    sqlite3_stmt *query = NULL;
    sqlite3_int64 last = 0;
    bool is_there = false;
    int code =
        sqlite3_prepare_v2(survivors->database,
                           "SELECT max(born_ns + ifnull(lifetime_ns, 0)), sum(address_offset = ?1"
                           " AND born_ns BETWEEN ?2 AND ?3) FROM block WHERE id > ?4",
                           -1, &query, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(query, 1, survivors_offset(kept->address));
        sqlite3_bind_int64(query, 2, (sqlite3_int64)kept->died_ns);
        sqlite3_bind_int64(query, 3, (sqlite3_int64)kept->died_ns + EARLY_FREE_NS);
        sqlite3_bind_int64(query, 4, (sqlite3_int64)survivors->row_count - LATEST_ROWS);
        if (sqlite3_step(query) == SQLITE_ROW) {
            last = sqlite3_column_int64(query, 0);
            is_there = sqlite3_column_int64(query, 1) != 0;
        }
    }
    sqlite3_finalize(query);
    return is_there || (uint64_t)last > kept->died_ns + EARLY_FREE_NS;
}

/* Frees that waited for their block, from the last one back to those that are settled. */
static int survivors_wait_for_blocks(struct survivors *survivors)
{
    const struct replay *replay = survivors->replay;
    size_t first = replay->early_count;
    while (first > 0 && !survivors_is_settled(survivors, replay->early[first - 1])) {
        first--;
    }
    for (size_t i = first; i < replay->early_count; i++) {
        const struct journal_early_free *kept = replay->early[i];
        struct subject *subject = survivors_subject(survivors, kept->subject_id);
        if (subject == NULL || kept->by >= subject->thread_count || kept->kind >= FREE_KIND_COUNT) {
            continue;
        }
        const struct journal_lane *lane = subject->threads[kept->by].kept;
        if (lane != NULL && lane->stranger_ns >= kept->died_ns) {
            continue; /* counted already as a free without a block */
        }
        int r = vec_reserve((void **)&subject->early, &subject->early_capacity,
                            subject->early_count + 1, sizeof(*subject->early));
        if (r < 0) {
            return r;
        }
        subject->early[subject->early_count++] = (struct early_free){
            .address = kept->address,
            .death = {.died_ns = kept->died_ns},
            .kind = (enum free_kind)kept->kind,
            .by = kept->by,
        };
    }
    return 0;
}

int survivors_load(struct survivors *survivors, struct err *err)
{
    struct recording *recording = survivors->drain->recording;
    struct map parked = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < recording->subject_count; i++) {
        r = survivors_load_subject(survivors, recording->subjects[i]);
    }
    for (size_t i = 0; r == 0 && i < survivors->replay->parked_count; i++) {
        const struct block *block = &survivors->replay->parked[i]->block;
        r = map_put(&parked, survivors_key(block->address, block->born_ns), (uint32_t)i);
    }
    if (r == 0) {
        r = survivors_see_rows(survivors, &parked, err);
    }
    if (r == 0) {
        r = survivors_unpark(survivors, &parked);
    }
    if (r == 0) {
        r = survivors_wait_for_blocks(survivors);
    }
    map_fini(&parked);
    return r;
}

static bool survivors_has_born(const struct survivors *survivors, const struct reader *reader,
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

static bool survivors_has_freed(const struct survivors *survivors, const struct reader *reader,
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
static bool survivors_is_applied(const struct survivors *survivors, const struct reader *reader,
                                 const uint64_t *words)
{
    const struct replay *replay = survivors->replay;
    uint64_t stamp_ns = clock_ns(&survivors->drain->recording->clock, reader->next_ticks);
    uint64_t address_mask = (UINT64_C(1) << EVENT_ADDRESS_BITS) - 1;
    unsigned tag = event_tag(words[0]);
    if (tag - EVENT_ALLOC < ALLOC_KIND_MMAP) {
        return survivors_has_born(survivors, reader, words[1] & address_mask, stamp_ns);
    }
    if (tag - EVENT_ALLOC_WIDE < ALLOC_KIND_MMAP) {
        return survivors_has_born(survivors, reader, words[1], stamp_ns);
    }
    if (tag - EVENT_FREE < FREE_KIND_COUNT) {
        return survivors_has_freed(survivors, reader, words[1], stamp_ns);
    }
    return replay->last_lane == reader->lane_index &&
           replay->last_position == reader_position(reader) &&
           (replay->last_head == words[0] || tag == EVENT_STACK);
}

/* The row of the block that the free before this position ended, for a realloc that is to follow.
 */
static void survivors_find_realloc(const struct survivors *survivors, struct reader *reader,
                                   uint64_t address, uint64_t died_ns)
{
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(
        survivors->database,
        "SELECT id, born_ns, size_bytes FROM block WHERE id > ?1 AND address_offset = ?2 AND"
        " max(?3, born_ns) = born_ns + lifetime_ns ORDER BY id DESC LIMIT 1",
        -1, &query, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_int64(query, 1, (sqlite3_int64)survivors->row_count - LATEST_ROWS);
        sqlite3_bind_int64(query, 2, survivors_offset(address));
        sqlite3_bind_int64(query, 3, (sqlite3_int64)died_ns);
        if (sqlite3_step(query) == SQLITE_ROW) {
            reader->context.realloc_from_id = (uint64_t)sqlite3_column_int64(query, 0);
            reader->context.realloc_from = (struct block){
                .address = address,
                .born_ns = (uint64_t)sqlite3_column_int64(query, 1),
                .size_bytes = (uint64_t)sqlite3_column_int64(query, 2),
            };
        }
    }
    sqlite3_finalize(query);
}

/* Looks at the event before the reader's position: the chunk is read from its start again. */
static void survivors_look_back(const struct survivors *survivors, struct reader *reader)
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
        survivors_find_realloc(survivors, reader, before[1],
                               clock_ns(&survivors->drain->recording->clock, ticks));
    }
}

static void survivors_place(struct survivors *survivors, struct reader *reader, uint64_t position)
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
        if (words != NULL && survivors_is_applied(survivors, reader, words)) {
            reader_skip(reader, session);
        }
    }
    if (reader->chunk != RING_NO_CHUNK && !reader->is_damaged) {
        survivors_look_back(survivors, reader);
    }
}

/* Ends what can be read of a lane before its first event after `ticks`. The ring is our own copy.
 */
static void survivors_cut(const struct session *session, uint32_t first, uint64_t ticks)
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
static void survivors_cut_tails(const struct survivors *survivors)
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
                survivors_cut(session,
                              first != RING_NO_CHUNK ? first : atomic_load(&lane->first_chunk),
                              ticks);
            }
        }
    }
}

int survivors_place_readers(struct survivors *survivors, struct err *err)
{
    struct drain *drain = survivors->drain;
    struct ring_header *ring = drain->session->ring;
    uint64_t now_ns = clock_ns(&drain->recording->clock, clock_ticks(&drain->recording->clock));
    survivors_cut_tails(survivors);
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
        survivors_place(survivors, drain->reader_of_lane[i], position);
    }
    return 0;
}
