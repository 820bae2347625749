#include "recover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../base/writer_lock.h"
#include "../drain/drain.h"
#include "../drain/reader.h"
#include "../rows/rowpack.h"
#include "../tables/rowinsert.h"
#include "remains.h"
#include "replay.h"
#include "resumption.h"
#include "survivors.h"
#include "sweep.h"

enum {
    PAUSE_NS = 1000000,
};

#define WAIT_NS_MOST                                                                               \
    UINT64_C(3000000000) /* for events that threads are in the middle of writing                   \
                          */

struct recovery {
    const char *path;
    const struct store_finish_options *options;
    struct recover_result *result;
    struct err *err;
    struct sqlwriter writer;
    struct remains remains;
    struct recording recording;
    struct drain drain;
    struct replay replay;
    struct rowinsert rows;
    int fd; /* locked, so closed last; closing it drops SQLite's locks, too */
    char *ring_path;
    uint32_t root_page;
    uint64_t sample_bytes;
};

static int recover_read_text(struct recovery *at, const char *sql, char **out_text)
{
    sqlite3_stmt *query = NULL;
    int code = sqlite3_prepare_v2(at->writer.handle, sql, -1, &query, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(query);
    }
    *out_text = NULL;
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(query, 0);
        *out_text = strdup(text != NULL ? text : "");
    }
    sqlite3_finalize(query);
    if (*out_text == NULL) {
        return err_set(at->err, EIO, "cannot read '%s': %s", at->path,
                       sqlite3_errmsg(at->writer.handle));
    }
    return 0;
}

static int recover_read_ring_path(struct recovery *at)
{
    int r = sqlwriter_open(&at->writer, at->path, at->err);
    if (r == 0) {
        r = recover_read_text(at, "SELECT ring_path FROM run", &at->ring_path);
    }
    sqlwriter_close(&at->writer);
    return r;
}

/*
 * SQLite first undoes what a kill left half written; only then the file's pages may be looked at.
 * To be read only under the locks: what a living recorder says now is not what it will say then.
 */
static int recover_read_state(struct recovery *at)
{
    char *state = NULL;
    char *detail = NULL;
    char *sample = NULL;
    char *root = NULL;
    int r = sqlwriter_open(&at->writer, at->path, at->err);
    if (r == 0) {
        r = recover_read_text(at, "SELECT state FROM run", &state);
    }
    if (r == 0) {
        r = recover_read_text(at, "SELECT detail FROM run", &detail);
    }
    if (r == 0) {
        r = recover_read_text(at, "SELECT sample_bytes FROM run", &sample);
    }
    if (r == 0) {
        r = recover_read_text(at, "SELECT rootpage FROM sqlite_schema WHERE name = 'block'", &root);
    }
    if (r == 0) {
        at->result->is_complete_already = strcmp(state, "recording") != 0;
        at->result->is_sites_only = strcmp(detail, "sites") == 0;
        at->root_page = (uint32_t)strtoul(root, NULL, 10);
        at->sample_bytes = strtoull(sample, NULL, 10);
    }
    free(state);
    free(detail);
    free(sample);
    free(root);
    sqlwriter_close(&at->writer);
    return r;
}

static int recover_seal(struct recovery *at)
{
    char path[PATH_MAX] = "";
    int kept_fd = -1;
    if (at->remains.directory != NULL) {
        snprintf(path, sizeof(path), "%s/" ROWPACK_KEPT_FILE, at->remains.directory);
        kept_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    int r = rowpack_recover_kept(at->fd, at->root_page, kept_fd, &at->result->row_count, at->err);
    if (kept_fd >= 0) {
        close(kept_fd);
    }
    return r;
}

static int recover_begin(struct recovery *at)
{
    (void)sqlwriter_open(&at->writer, at->path, at->err);
    sqlwriter_execute(&at->writer,
                      "PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN IMMEDIATE");
    int r = at->writer.status;
    if (r == 0) {
        r = rowinsert_init(&at->rows, &at->writer, at->result->row_count, at->err);
    }
    if (r == 0 && recording_init(&at->recording, NULL) < 0) {
        r = err_set(at->err, ENOMEM, "out of memory");
    }
    at->recording.sample_bytes = at->sample_bytes;
    at->recording.is_sites_only = at->result->is_sites_only;
    at->recording.sink = &at->rows.sink;
    at->recording.clock = at->remains.clock;
    return r;
}

static int recover_read_number(struct recovery *at, const char *sql, uint32_t *out_number)
{
    char *text;
    int r = recover_read_text(at, sql, &text);
    if (r == 0) {
        *out_number = (uint32_t)strtoul(text, NULL, 10);
        free(text);
    }
    return r;
}

/* Gives rows whose context nobody knows any more something to refer to. */
static int recover_fill_unknown(struct recovery *at)
{
    struct recording *recording = &at->recording;
    struct subject *subject;
    struct context unknown = {.free_kind = CONTEXT_NOT_FREED};
    uint32_t context_max = 0;
    uint32_t thread;
    int r = recover_read_number(at, "SELECT max(context_id) FROM block", &context_max);
    if (r < 0 || recording->contexts.count >= context_max) {
        return r;
    }
    r = recording_subject(recording, UINT32_MAX, 0, 0, &subject);
    if (r == 0) {
        r = subject_open_thread(subject, 0, 0, &thread);
    }
    if (r == 0) {
        subject->threads[thread].open_lanes = 0;
        subject->end = SUBJECT_GONE;
        unknown.process_id = subject->id;
        unknown.thread_id = subject->threads[thread].id;
        r = stacktree_child(&recording->stacks, STACK_ROOT, FRAME_UNKNOWN, &unknown.stack_id);
    }
    while (r == 0 && recording->contexts.count < context_max) {
        r = contexts_append(&recording->contexts, &unknown);
    }
    return r;
}

static bool recover_is_running(const struct subject *subject)
{
    return subject->end == SUBJECT_RUNNING && subject->pid != 0 &&
           (kill((pid_t)subject->pid, 0) == 0 || errno == EPERM);
}

/* True while a lane has events from before a moment. */
static bool recover_is_behind(const struct recovery *at, uint64_t ticks)
{
    for (size_t i = 0; i < at->drain.reader_count; i++) {
        if (!at->drain.readers[i]->is_damaged && at->drain.readers[i]->next_ticks <= ticks) {
            return true;
        }
    }
    return false;
}

/*
 * Reads on where the collector stopped, as far as everything was published at `start`. What a
 * process that still runs writes later is none of this recording's.
 */
static int recover_drain(struct recovery *at, uint64_t start)
{
    uint64_t began_ns = clock_monotonic_ns();
    at->drain.limit_ticks = start;
    for (int quiet_rounds = 0; quiet_rounds < 3;) {
        for (size_t i = 0; i < at->recording.subject_count; i++) {
            struct subject *subject = at->recording.subjects[i];
            if (!recover_is_running(subject)) {
                drain_process_ended(&at->drain, subject->key);
            }
        }
        int64_t applied = drain_round(&at->drain, false, at->err);
        if (applied < 0) {
            return (int)applied;
        }
        at->result->unread_count += (uint64_t)applied;
        bool is_behind = recover_is_behind(at, start);
        quiet_rounds = applied == 0 && !is_behind ? quiet_rounds + 1 : 0;
        if (clock_monotonic_ns() - began_ns > WAIT_NS_MOST && (applied == 0 || !is_behind)) {
            return 0;
        }
        if (applied == 0) {
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
    }
    return 0;
}

/* What the collector had finished is finished again, so that it counts as it did. */
static int recover_finish_ended(struct recovery *at)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < at->replay.ended_count; i++) {
        struct subject *subject = at->replay.ended[i];
        if (!subject->is_finished) {
            at->recording.live_bytes += subject->tally.live_bytes; /* as before sweep_count() */
            r = subject_finish(subject, at->err);
        }
    }
    return r;
}

static int recover_finish_others(struct recovery *at)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < at->recording.subject_count; i++) {
        struct subject *subject = at->recording.subjects[i];
        if (subject->end == SUBJECT_RUNNING) {
            bool is_running = recover_is_running(subject);
            at->result->running_count += is_running;
            subject->end = is_running ? SUBJECT_DETACHED : SUBJECT_GONE;
        }
        r = subject_finish(subject, at->err);
    }
    return r;
}

static int recover_from_journal(struct recovery *at, uint64_t start)
{
    struct survivors survivors = {
        .remains = &at->remains,
        .replay = &at->replay,
        .drain = &at->drain,
        .database = at->writer.handle,
        .row_count = at->result->row_count,
    };
    int r = replay_journal(&at->replay, &at->remains.journal, &at->drain, &at->rows, at->err);
    if (r == 0 && !at->remains.is_journal_whole) {
        r = recover_fill_unknown(at);
    }
    if (r == 0) {
        r = survivors_load(&survivors, at->err);
    }
    if (r == 0) {
        r = resumption_place_readers(&survivors, at->err);
    }
    if (r == 0) {
        r = sweep_count(&at->recording, &at->replay, at->writer.handle, at->err);
    }
    at->result->missing_live_count = survivors.missing_count;
    if (r == 0) {
        r = recover_finish_ended(at);
    }
    return r < 0 ? r : recover_drain(at, start);
}

static int recover_gather(struct recovery *at)
{
    uint64_t start = clock_ticks(&at->remains.clock);
    int r = 0;
    if (at->remains.has_journal) {
        r = drain_init(&at->drain, &at->remains.session, &at->recording);
        if (r == 0) {
            r = recover_from_journal(at, start);
        }
    } else {
        r = recover_fill_unknown(at);
        if (r == 0) {
            r = sweep_count(&at->recording, NULL, at->writer.handle, at->err);
        }
    }
    if (r == 0) {
        r = recover_finish_others(at);
    }
    return r == -ENOMEM ? err_set(at->err, ENOMEM, "out of memory") : r;
}

static void recover_gather_facts(struct recovery *at, struct run_facts *out_facts)
{
    *out_facts = (struct run_facts){.exit_status = -1, .is_cut = true};
    const struct recording *recording = &at->recording;
    for (size_t i = 0; i < recording->subject_count; i++) {
        const struct subject *subject = recording->subjects[i];
        if (subject->ended_ns > out_facts->duration_ns) {
            out_facts->duration_ns = subject->ended_ns;
        }
        if (subject->pid == recording->subjects[0]->pid) {
            out_facts->exit_status = subject->end == SUBJECT_EXITED ? subject->exit_status : -1;
            out_facts->exit_signal = subject->exit_signal;
        }
    }
    if (at->remains.session.ring != NULL) {
        unrecorded_take(&at->recording, at->remains.session.ring);
        out_facts->lost_event_count = atomic_load(&at->remains.session.ring->lost_event_count);
    }
}

static int recover_rest(struct recovery *at)
{
    struct run_facts facts;
    int r = recover_begin(at);
    if (r == 0) {
        r = recover_gather(at);
    }
    rowinsert_fini(&at->rows);
    if (r == 0) {
        recover_gather_facts(at, &facts);
        store_write(&at->writer, &facts, &at->recording, at->options);
        r = at->writer.status;
    }
    if (at->writer.status == 0) {
        at->writer.status = r; /* so that what was not completed is undone */
    }
    at->result->row_count = at->rows.row_count;
    at->result->is_go = at->recording.go.process_id != 0;
    at->result->gc_count = at->recording.gc_event_count;
    at->result->reading_count = at->recording.go.profile_reading_count;
    return sqlwriter_close(&at->writer);
}

static int recover_lock(struct recovery *at)
{
    at->fd = open(at->path, O_RDWR | O_CLOEXEC);
    if (at->fd < 0) {
        return err_set_errno(at->err, errno, "cannot open '%s'", at->path);
    }
    return writer_lock_wait(at->fd) ? 0 : err_set(at->err, EBUSY, REMAINS_STILL_RECORDED);
}

static int recover_all(struct recovery *at)
{
    struct recover_result *result = at->result;
    result->is_ring_lost = !at->remains.is_found;
    result->is_journal_cut = at->remains.is_found && !at->remains.is_journal_whole;
    int r = recover_seal(at);
    if (r == 0) {
        r = recover_rest(at);
    }
    drain_fini(&at->drain);
    replay_fini(&at->replay);
    recording_fini(&at->recording);
    return r;
}

int recover_file(const char *path, const struct store_finish_options *options,
                 struct recover_result *out_result, struct err *err)
{
    struct recovery at = {.path = path, .options = options, .result = out_result, .err = err};
    *out_result = (struct recover_result){0};
    int r = recover_lock(&at);
    if (r == 0) {
        r = recover_read_ring_path(&at);
    }
    if (r == 0) {
        r = remains_open(&at.remains, at.ring_path, err);
    }
    if (r == 0) {
        r = recover_read_state(&at);
        bool is_wanted = r == 0 && !out_result->is_complete_already;
        r = is_wanted ? recover_all(&at) : r;
        remains_close(&at.remains, is_wanted && r == 0);
    }
    if (at.fd >= 0) {
        close(at.fd);
    }
    free(at.ring_path);
    return r;
}
