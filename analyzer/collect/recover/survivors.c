#include "survivors.h"

#include <errno.h>
#include <stdlib.h>

#include "../../base/map.h"
#include "../../base/vec.h"
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

uint64_t survivors_find_freed(const struct survivors *survivors, uint64_t address, uint64_t died_ns,
                              struct block *out_block)
{
    sqlite3_stmt *query = NULL;
    uint64_t id = 0;
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
            id = (uint64_t)sqlite3_column_int64(query, 0);
            *out_block = (struct block){
                .address = address,
                .born_ns = (uint64_t)sqlite3_column_int64(query, 1),
                .size_bytes = (uint64_t)sqlite3_column_int64(query, 2),
            };
        }
    }
    sqlite3_finalize(query);
    return id;
}
