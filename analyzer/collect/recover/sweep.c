#include "sweep.h"

#include <errno.h>
#include <stdlib.h>

#include "../../base/vec.h"
#include "../recording/blocks.h"
#include "../recording/ledger.h"
#include "../recording/weight.h"

enum {
    SWEEP_ID_STRIDE = 16, /* live.h expects addresses as allocators give them */
};

/* A block on its way through time. */
struct sweep_block {
    struct block block;
    struct subject *subject;
    uint64_t id;      /* of its row; 0: none yet */
    uint64_t died_ns; /* BLOCK_ROW_LIVE: never */
    uint32_t by;      /* index of the thread that freed it */
    enum free_kind free_kind;
};

struct sweep {
    struct recording *recording;
    const struct replay *replay;
    struct sweep_place *places;
    struct sweep_block *deaths; /* a heap, earliest first */
    size_t death_count;
    size_t death_capacity;
    struct sweep_live *lives; /* by birth */
    size_t live_count;
    struct live chains; /* blocks that ended in a realloc, by row id in place of the address, times
                           SWEEP_ID_STRIDE */
    size_t next_sample;
    size_t next_end;
    struct go_process go;
    size_t next_reading;
};

/* A block that has no row, or none with a death. */
struct sweep_live {
    const struct block *block;
    struct subject *subject;
};

int sweep_places(const struct recording *recording, struct sweep_place **out_places)
{
    struct sweep_place *places = calloc((size_t)recording->thread_count + 1, sizeof(*places));
    if (places == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct subject *subject = recording->subjects[i];
        for (size_t j = 0; j < subject->thread_count; j++) {
            places[subject->threads[j].id] = (struct sweep_place){subject, (uint32_t)j};
        }
    }
    *out_places = places;
    return 0;
}

static void sweep_sift_down(struct sweep *sweep, size_t at)
{
    struct sweep_block *heap = sweep->deaths;
    struct sweep_block moving = heap[at];
    for (size_t child; (child = at * 2 + 1) < sweep->death_count; at = child) {
        if (child + 1 < sweep->death_count && heap[child + 1].died_ns < heap[child].died_ns) {
            child++;
        }
        if (moving.died_ns <= heap[child].died_ns) {
            break;
        }
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

static int sweep_push(struct sweep *sweep, const struct sweep_block *block)
{
    int r = vec_reserve((void **)&sweep->deaths, &sweep->death_capacity, sweep->death_count + 1,
                        sizeof(*sweep->deaths));
    if (r < 0) {
        return r;
    }
    size_t at = sweep->death_count++;
    for (; at > 0 && sweep->deaths[(at - 1) / 2].died_ns > block->died_ns; at = (at - 1) / 2) {
        sweep->deaths[at] = sweep->deaths[(at - 1) / 2];
    }
    sweep->deaths[at] = *block;
    return 0;
}

static void sweep_touch(struct subject *subject, uint32_t thread, uint64_t at_ns)
{
    if (at_ns > subject->last_event_ns) {
        subject->last_event_ns = at_ns;
    }
    if (at_ns > subject->threads[thread].ended_ns) {
        subject->threads[thread].ended_ns = at_ns;
    }
}

static int sweep_pop(struct sweep *sweep)
{
    struct sweep_block dead = sweep->deaths[0];
    sweep->deaths[0] = sweep->deaths[--sweep->death_count];
    if (sweep->death_count > 0) {
        sweep_sift_down(sweep, 0);
    }
    struct death death = {.died_ns = dead.died_ns, .kind = (uint8_t)dead.free_kind};
    sweep_touch(dead.subject, dead.by, dead.died_ns);
    return ledger_count_death(dead.subject, &dead.block, dead.by, &death);
}

static int sweep_sample(struct sweep *sweep)
{
    const struct journal_rss *sample = sweep->replay->samples[sweep->next_sample++];
    if (sample->subject_id < 1 || sample->subject_id > sweep->recording->subject_count) {
        return 0;
    }
    struct subject *subject = sweep->recording->subjects[sample->subject_id - 1];
    if (sample->rss_bytes > subject->rss_peak_bytes) {
        subject->rss_peak_bytes = sample->rss_bytes;
    }
    return tally_rss(&subject->tally, sample->at_ns, sample->rss_bytes);
}

static int sweep_reading(struct sweep *sweep)
{
    const struct journal_go_reading *reading = sweep->replay->readings[sweep->next_reading++];
    return go_process_add_reading(&sweep->go, reading, reading->changes);
}

/* A process has ended: what it had live is no longer part of the run's live bytes. */
static void sweep_end(struct sweep *sweep)
{
    const struct subject *subject = sweep->replay->ended[sweep->next_end++];
    sweep->recording->live_bytes -= subject->tally.live_bytes;
}

/* Lets everything happen that comes before or at a moment. */
static int sweep_until(struct sweep *sweep, uint64_t at_ns)
{
    const struct replay *replay = sweep->replay;
    for (;;) {
        uint64_t death = sweep->death_count > 0 ? sweep->deaths[0].died_ns : UINT64_MAX;
        bool has_sample = replay != NULL && sweep->next_sample < replay->sample_count;
        uint64_t sample = has_sample ? replay->samples[sweep->next_sample]->at_ns : UINT64_MAX;
        bool has_end = replay != NULL && sweep->next_end < replay->ended_count;
        uint64_t end = has_end ? replay->ended[sweep->next_end]->ended_ns : UINT64_MAX;
        bool has_reading = replay != NULL && sweep->next_reading < replay->reading_count;
        uint64_t reading = has_reading ? replay->readings[sweep->next_reading]->at_ns : UINT64_MAX;
        int r = 0;
        if (has_reading && reading <= at_ns && reading <= death && reading <= sample &&
            reading <= end) {
            r = sweep_reading(sweep);
        } else if (sweep->death_count > 0 && death <= at_ns && death <= sample && death <= end) {
            r = sweep_pop(sweep);
        } else if (has_sample && sample <= at_ns && sample <= end) {
            r = sweep_sample(sweep);
        } else if (has_end && end <= at_ns) {
            sweep_end(sweep);
        } else {
            return 0;
        }
        if (r < 0) {
            return r;
        }
    }
}

static void sweep_chain(struct sweep *sweep, struct block *block)
{
    bool is_realloc = block->kind == ALLOC_KIND_REALLOC || block->kind == ALLOC_KIND_REALLOCARRAY;
    struct block *old = live_find(&sweep->chains, block->realloc_of_id * SWEEP_ID_STRIDE);
    if (old == NULL || sweep->recording->sample_bytes != 0) {
        return;
    }
    block->chain_length =
        old->chain_length == UINT16_MAX ? UINT16_MAX : (uint16_t)(old->chain_length + 1);
    if (is_realloc) {
        struct subject *subject = sweep->recording->subjects[old->sequence];
        tally_realloc(&subject->tally, block, old->size_bytes, old->born_ns != block->address);
    }
    live_remove(&sweep->chains, old);
}

/* Remembers a block that a realloc ended, for the block that follows. */
static int sweep_begin_chain(struct sweep *sweep, const struct sweep_block *born)
{
    struct block link = {
        .address = born->id * SWEEP_ID_STRIDE,
        .born_ns = born->block.address,
        .size_bytes = born->block.size_bytes,
        .chain_length = born->block.chain_length,
        .sequence = born->subject->id - 1,
    };
    return live_insert(&sweep->chains, &link);
}

static int sweep_birth(struct sweep *sweep, struct sweep_block *born)
{
    struct subject *subject = born->subject;
    struct block *block = &born->block;
    int r = sweep_until(sweep, block->born_ns);
    if (r == 0) {
        r = ledger_count_birth(subject, block, false, 0);
    }
    if (r < 0) {
        return r;
    }
    sweep_touch(subject, block->thread, block->born_ns);
    block->sequence = (uint32_t)subject->threads[block->thread].allocation_count;
    if (block->realloc_of_id != 0) {
        sweep_chain(sweep, block);
    }
    if (born->id == 0) {
        return 0;
    }
    if (born->died_ns == BLOCK_ROW_LIVE) {
        uint64_t weight = weight_of(sweep->recording->sample_bytes, block);
        subject->leaked_count += weight;
        subject->leaked_bytes += weight * block->size_bytes;
        return 0;
    }
    if (born->free_kind == FREE_KIND_REALLOC) {
        r = sweep_begin_chain(sweep, born);
    }
    return r < 0 ? r : sweep_push(sweep, born);
}

/* The next row as a block. */
static int sweep_read(struct sweep *sweep, sqlite3_stmt *rows, struct sweep_block *out_born,
                      struct err *err)
{
    const struct recording *recording = sweep->recording;
    const struct context *context =
        contexts_get(&recording->contexts, (uint64_t)sqlite3_column_int64(rows, 5));
    uint32_t by_id = 0;
    if (context != NULL) {
        by_id = context->freed_by_thread_id != 0 ? context->freed_by_thread_id : context->thread_id;
    }
    if (context == NULL || context->thread_id < 1 || context->thread_id > recording->thread_count ||
        by_id < 1 || by_id > recording->thread_count ||
        sweep->places[context->thread_id].subject != sweep->places[by_id].subject) {
        return err_set(err, EBADMSG, "row %lld is of an unknown thread",
                       (long long)sqlite3_column_int64(rows, 0));
    }
    bool has_call = context->free_kind < FREE_KIND_COUNT; /* else nobody knows what ended it */
    struct sweep_place place = sweep->places[context->thread_id];
    uint64_t slack_bytes = (uint64_t)sqlite3_column_int64(rows, 6);
    *out_born = (struct sweep_block){
        .block =
            {
                .address = context_address(context, (uint64_t)sqlite3_column_int64(rows, 3)),
                .born_ns = (uint64_t)sqlite3_column_int64(rows, 1),
                .size_bytes = (uint64_t)sqlite3_column_int64(rows, 4),
                .slack_bytes = slack_bytes != 0 ? slack_bytes : context->slack_bytes,
                .realloc_of_id = (uint64_t)sqlite3_column_int64(rows, 7),
                .thread = place.thread,
                .kind = context->alloc_kind,
            },
        .subject = place.subject,
        .id = (uint64_t)sqlite3_column_int64(rows, 0),
        .died_ns = BLOCK_ROW_LIVE,
        .by = sweep->places[by_id].thread,
        .free_kind = has_call ? (enum free_kind)context->free_kind : FREE_KIND_UNSEEN,
    };
    if (sqlite3_column_type(rows, 2) != SQLITE_NULL) {
        out_born->died_ns = out_born->block.born_ns + (uint64_t)sqlite3_column_int64(rows, 2);
    }
    return tally_site(&place.subject->tally, context->stack_id, &out_born->block.site);
}

static int sweep_compare_lives(const void *left, const void *right)
{
    const struct sweep_live *a = left;
    const struct sweep_live *b = right;
    return a->block->born_ns < b->block->born_ns ? -1 : a->block->born_ns > b->block->born_ns;
}

static int sweep_gather_lives(struct sweep *sweep)
{
    size_t count = 0;
    for (size_t i = 0; i < sweep->recording->subject_count; i++) {
        const struct subject *subject = sweep->recording->subjects[i];
        count += subject->live.block_count + subject->ranges.count;
    }
    sweep->lives = malloc((count + 1) * sizeof(*sweep->lives));
    if (sweep->lives == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < sweep->recording->subject_count; i++) {
        struct subject *subject = sweep->recording->subjects[i];
        size_t cursor = 0;
        for (const struct block *b; (b = live_next(&subject->live, &cursor)) != NULL;) {
            if (b->kind != ALLOC_KIND_INTERNAL) {
                sweep->lives[sweep->live_count++] = (struct sweep_live){b, subject};
            }
        }
        for (size_t j = 0; j < subject->ranges.count; j++) {
            sweep->lives[sweep->live_count++] =
                (struct sweep_live){&subject->ranges.items[j], subject};
        }
    }
    qsort(sweep->lives, sweep->live_count, sizeof(*sweep->lives), sweep_compare_lives);
    return 0;
}

/* Births of live blocks up to a moment. */
static int sweep_lives_until(struct sweep *sweep, size_t *next, uint64_t at_ns)
{
    int r = 0;
    while (r == 0 && *next < sweep->live_count && sweep->lives[*next].block->born_ns <= at_ns) {
        const struct sweep_live *live = &sweep->lives[(*next)++];
        struct sweep_block born = {.block = *live->block, .subject = live->subject};
        r = sweep_birth(sweep, &born);
    }
    return r;
}

static int sweep_run(struct sweep *sweep, sqlite3 *database, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(
        database,
        "SELECT id, born_ns, lifetime_ns, address_offset, size_bytes, context_id, slack_bytes,"
        " realloc_of_id FROM block ORDER BY born_ns, id",
        -1, &rows, NULL);
    int r = 0;
    size_t next_live = 0;
    while (code == SQLITE_OK && r == 0 && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        struct sweep_block born;
        code = SQLITE_OK;
        r = sweep_read(sweep, rows, &born, err);
        if (r == 0) {
            r = sweep_lives_until(sweep, &next_live, born.block.born_ns);
        }
        if (r == 0) {
            r = sweep_birth(sweep, &born);
        }
    }
    sqlite3_finalize(rows);
    if (r == 0 && code != SQLITE_DONE) {
        r = err_set(err, EIO, "cannot read the rows: %s", sqlite3_errmsg(database));
    }
    if (r == 0) {
        r = sweep_lives_until(sweep, &next_live, UINT64_MAX);
    }
    return r < 0 ? r : sweep_until(sweep, UINT64_MAX - 1);
}

int sweep_count(struct recording *recording, const struct replay *replay, sqlite3 *database,
                struct err *err)
{
    struct sweep sweep = {.recording = recording, .replay = replay};
    if (replay != NULL) {
        sweep.go = replay->go;
    }
    int r = sweep_places(recording, &sweep.places);
    if (r == 0) {
        r = sweep_gather_lives(&sweep);
    }
    if (r == 0) {
        r = sweep_run(&sweep, database, err);
    }
    free(sweep.places);
    free(sweep.deaths);
    free(sweep.lives);
    live_fini(&sweep.chains);
    return r;
}
