#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"
#include "../drain/reader.h"
#include "../go/go_objects.h"

struct replaying {
    struct replay *replay;
    struct drain *drain;
    struct recording *recording;
    struct rowinsert *rows;
    struct err *err;
};

static int replay_push(void *items, size_t *count, size_t *capacity, const void *item)
{
    void **array = *(void ***)items;
    int r = vec_reserve((void **)&array, capacity, *count + 1, sizeof(void *));
    if (r == 0) {
        array[(*count)++] = (void *)item;
        *(void ***)items = array;
    }
    return r;
}

static struct reader *replay_reader(const struct replaying *at, uint32_t lane)
{
    return lane < RING_LANE_CAPACITY ? at->drain->reader_of_lane[lane] : NULL;
}

static struct subject *replay_subject(const struct replaying *at, uint32_t id)
{
    return id >= 1 && id <= at->recording->subject_count ? at->recording->subjects[id - 1] : NULL;
}

static int replay_lane(const struct replaying *at, const struct journal_lane *opened)
{
    if (opened->lane >= RING_LANE_CAPACITY) {
        return -EINVAL;
    }
    drain_close_lane(at->drain, opened->lane);
    int r = drain_open_lane(at->drain, opened);
    if (r == 0) {
        const struct lane_context *lane = &replay_reader(at, opened->lane)->context;
        struct thread *thread = &lane->subject->threads[lane->thread];
        if (thread->kept == NULL) {
            thread->kept = (struct journal_lane *)opened;
            thread_take_name(thread, opened->name);
        }
    }
    return r;
}

static int replay_event(const struct replaying *at, const struct journal_event *kept,
                        size_t words_bytes)
{
    struct reader *reader = replay_reader(at, kept->lane);
    if (reader == NULL || kept->words_bytes > words_bytes || kept->words_bytes < 8 ||
        event_bytes(kept->words, kept->words_bytes) != kept->words_bytes) {
        return -EINVAL;
    }
    at->replay->last_lane = kept->lane;
    at->replay->last_position = kept->position;
    at->replay->last_head = kept->words[0];
    at->rows->next_id = kept->row_count + 1;
    return subject_apply(&reader->context, kept->words, kept->stamp_ns, at->err);
}

static int replay_stack(const struct replaying *at, const struct journal_stack *known)
{
    struct reader *reader = replay_reader(at, known->lane);
    if (reader == NULL || known->site >= reader->context.subject->tally.site_count ||
        known->local_id > reader->context.site_count + 1) {
        return -EINVAL;
    }
    at->replay->last_lane = known->lane;
    at->replay->last_position = known->position;
    at->replay->last_head = 0;
    return subject_define_site(&reader->context, known->local_id, known->site);
}

static int replay_unknown_site(const struct replaying *at, const struct journal_site *kept)
{
    struct subject *subject = replay_subject(at, kept->subject_id);
    uint32_t stack;
    uint32_t site;
    if (subject == NULL) {
        return -EINVAL;
    }
    int r = stacktree_child(&at->recording->stacks, STACK_ROOT, FRAME_UNKNOWN, &stack);
    return r < 0 ? r : tally_site(&subject->tally, stack, &site);
}

static int replay_end(const struct replaying *at, const struct journal_end *kept)
{
    struct replay *replay = at->replay;
    struct subject *subject = replay_subject(at, kept->subject_id);
    if (subject == NULL || kept->end > SUBJECT_DETACHED) {
        return -EINVAL;
    }
    subject->end = (enum subject_end)kept->end;
    subject->exit_status = kept->exit_status;
    subject->exit_signal = kept->exit_signal;
    subject->ended_ns = kept->ended_ns;
    return replay_push(&replay->ended, &replay->ended_count, &replay->ended_capacity, subject);
}

static int replay_go_process(const struct replaying *at, const struct journal_record *record)
{
    const struct journal_go_process *kept = journal_body(record, sizeof(*kept));
    if (kept == NULL || at->replay->go.subject != NULL) {
        return -EINVAL;
    }
    const char *texts = (const char *)(kept + 1);
    uint64_t texts_bytes = (uint64_t)kept->path_bytes + kept->command_bytes;
    if (kept->path_bytes == 0 || kept->command_bytes == 0 ||
        journal_body(record, sizeof(*kept) + texts_bytes) == NULL ||
        texts[kept->path_bytes - 1] != '\0' || texts[texts_bytes - 1] != '\0') {
        return -EINVAL;
    }
    return go_process_meet_again(&at->replay->go, kept);
}

static int replay_go_site(const struct replaying *at, const struct journal_record *record)
{
    const struct journal_go_site *kept = journal_body(record, sizeof(*kept));
    uint32_t site;
    if (kept == NULL || at->replay->go.subject == NULL ||
        journal_body(record, sizeof(*kept) + (size_t)kept->frame_count * sizeof(uint64_t)) ==
            NULL) {
        return -EINVAL;
    }
    return go_process_site(&at->replay->go, kept->offsets, kept->frame_count, &site);
}

/* It counts later, among all that happened meanwhile (sweep.h). */
static int replay_go_reading(const struct replaying *at, const struct journal_record *record)
{
    struct replay *replay = at->replay;
    const struct journal_go_reading *kept = journal_body(record, sizeof(*kept));
    if (kept == NULL || replay->go.subject == NULL ||
        journal_body(record, sizeof(*kept) +
                                 (size_t)kept->change_count * sizeof(kept->changes[0])) == NULL) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < kept->change_count; i++) {
        if (kept->changes[i].site >= replay->go.subject->tally.site_count ||
            kept->changes[i].kind != ALLOC_KIND_GO) {
            return -EINVAL;
        }
    }
    return replay_push(&replay->readings, &replay->reading_count, &replay->reading_capacity, kept);
}

static int replay_go_objects(const struct replaying *at, const struct journal_go_objects *kept)
{
    struct go_process *go = &at->replay->go;
    return kept == NULL || go->subject == NULL || go->has_objects
               ? -EINVAL
               : go_objects_begin(go, kept->at_ns);
}

/* Rows refer to it, and are counted by its kinds. */
static int replay_context(const struct replaying *at, const struct journal_context *kept)
{
    uint32_t id;
    bool is_valid =
        kept != NULL && kept->context.alloc_kind < ALLOC_KIND_COUNT &&
        (kept->context.free_kind < FREE_KIND_COUNT || kept->context.free_kind == CONTEXT_NOT_FREED);
    return is_valid ? contexts_intern(&at->recording->contexts, &kept->context, &id) : -EINVAL;
}

static int replay_record(const struct replaying *at, const struct journal_record *record)
{
    struct replay *replay = at->replay;
    const void *body = NULL;
    switch (record->tag) {
    case JOURNAL_LANE_OPENED:
        body = journal_body(record, sizeof(struct journal_lane));
        return body == NULL ? -EINVAL : replay_lane(at, body);
    case JOURNAL_LANE_CLOSED:
        body = journal_body(record, sizeof(struct journal_lane));
        if (body != NULL) {
            drain_close_lane(at->drain, ((const struct journal_lane *)body)->lane);
        }
        return body == NULL ? -EINVAL : 0;
    case JOURNAL_EVENT:
        body = journal_body(record, sizeof(struct journal_event));
        return body == NULL ? -EINVAL
                            : replay_event(at, body,
                                           record->size_bytes - sizeof(*record) -
                                               sizeof(struct journal_event));
    case JOURNAL_STACK:
        body = journal_body(record, sizeof(struct journal_stack));
        return body == NULL ? -EINVAL : replay_stack(at, body);
    case JOURNAL_UNKNOWN_SITE:
        body = journal_body(record, sizeof(struct journal_site));
        return body == NULL ? -EINVAL : replay_unknown_site(at, body);
    case JOURNAL_PARKED:
        body = journal_body(record, sizeof(struct journal_parked));
        return body == NULL ? -EINVAL
                            : replay_push(&replay->parked, &replay->parked_count,
                                          &replay->parked_capacity, body);
    case JOURNAL_EARLY_FREE:
        body = journal_body(record, sizeof(struct journal_early_free));
        return body == NULL ? -EINVAL
                            : replay_push(&replay->early, &replay->early_count,
                                          &replay->early_capacity, body);
    case JOURNAL_END:
        body = journal_body(record, sizeof(struct journal_end));
        return body == NULL ? -EINVAL : replay_end(at, body);
    case JOURNAL_RSS:
        body = journal_body(record, sizeof(struct journal_rss));
        return body == NULL ? -EINVAL
                            : replay_push(&replay->samples, &replay->sample_count,
                                          &replay->sample_capacity, body);
    case JOURNAL_CONTEXT:
        return replay_context(at, journal_body(record, sizeof(struct journal_context)));
    case JOURNAL_GO_PROCESS:
        return replay_go_process(at, record);
    case JOURNAL_GO_SITE:
        return replay_go_site(at, record);
    case JOURNAL_GO_READING:
        return replay_go_reading(at, record);
    case JOURNAL_GC:
        body = journal_body(record, sizeof(struct gc_event));
        return body == NULL ? -EINVAL : go_process_add_gc(&replay->go, body);
    case JOURNAL_SCAVENGE:
        body = journal_body(record, sizeof(struct scavenge));
        return body == NULL ? -EINVAL : go_process_add_scavenge(&replay->go, body);
    case JOURNAL_GO_OBJECTS:
        return replay_go_objects(at, journal_body(record, sizeof(struct journal_go_objects)));
    default:
        return -EINVAL;
    }
}

static void replay_count_strangers(struct subject *subject)
{
    for (size_t i = 0; i < subject->thread_count; i++) {
        const struct journal_lane *kept = subject->threads[i].kept;
        if (kept == NULL || kept->stranger_count == 0) {
            continue;
        }
        subject->threads[i].free_count += kept->stranger_count;
        if (subject->start == SUBJECT_STARTED_BY_FORK) {
            subject->inherited_free_count += kept->stranger_count;
        } else {
            subject->unpaired_free_count += kept->stranger_count;
        }
        if (kept->stranger_ns > subject->threads[i].ended_ns) {
            subject->threads[i].ended_ns = kept->stranger_ns;
        }
    }
}

/* Applying mappings has counted them; all figures are to come from the rows. */
static void replay_forget_figures(struct recording *recording)
{
    recording->live_bytes = 0;
    recording->peak_bytes = 0;
    recording->peak_ns = 0;
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct subject *subject = recording->subjects[i];
        tally_restart(&subject->tally, subject->started_ns);
        subject->inherited_free_count = 0;
        subject->unpaired_free_count = 0;
        for (size_t j = 0; j < subject->thread_count; j++) {
            struct thread *thread = &subject->threads[j];
            thread->allocation_count = 0;
            thread->allocated_bytes = 0;
            thread->free_count = 0;
            thread->remote_free_count = 0;
        }
        replay_count_strangers(subject);
    }
}

int replay_journal(struct replay *replay, const struct journal *journal, struct drain *drain,
                   struct rowinsert *rows, struct err *err)
{
    *replay = (struct replay){.last_lane = UINT32_MAX, .go = {.recording = drain->recording}};
    struct replaying at = {
        .replay = replay,
        .drain = drain,
        .recording = drain->recording,
        .rows = rows,
        .err = err,
    };
    int r = 0;
    uint64_t cursor = 0;
    const struct journal_record *record;
    while (r == 0 && (record = journal_next(journal, &cursor)) != NULL) {
        r = replay_record(&at, record);
        if (r == -EINVAL) {
            err_set(err, EINVAL, "the journal is damaged at byte %llu",
                    (unsigned long long)(cursor - record->size_bytes));
        }
    }
    rows->next_id = rows->row_count + 1;
    replay_forget_figures(at.recording);
    return r;
}

void replay_fini(struct replay *replay)
{
    free(replay->parked);
    free(replay->early);
    free(replay->samples);
    free(replay->ended);
    free(replay->readings);
    *replay = (struct replay){0};
}
