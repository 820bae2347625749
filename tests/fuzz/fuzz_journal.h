/*
 * fuzz_journal.h - what is fuzzed of recovery and of the objects of Go, as fuzz_targets.h says.
 */
#ifndef ALLOCAUDIT_FUZZ_JOURNAL_H
#define ALLOCAUDIT_FUZZ_JOURNAL_H

#include <sqlite3.h>

#include "../../analyzer/collect/go/go_objects.h"
#include "../../analyzer/collect/recover/replay.h"
#include "../../analyzer/collect/recover/sweep.h"
#include "fuzz_ring.h"

/* Rows of a recorder that was killed: some of each of the first contexts, freed and live. */
static inline sqlite3 *fuzz_rows(void)
{
    static sqlite3 *database;
    if (database == NULL &&
        sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
            SQLITE_OK) {
        (void)sqlite3_exec(
            database,
            "CREATE TABLE block (id INTEGER PRIMARY KEY, born_ns, lifetime_ns, address_offset,"
            " size_bytes, context_id, slack_bytes, realloc_of_id);"
            "WITH RECURSIVE numbers (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM numbers "
            "WHERE"
            " value < 24) INSERT INTO block SELECT value, value * 700, nullif(value % 5, 0) * 900, "
            "value * 32,"
            " value * 10, 1 + value % 4, 0, nullif(value % 3, 0) FROM numbers",
            NULL, NULL, NULL);
    }
    return database;
}

/* What is left of a recording once its journal has been replayed: the figures from its rows. */
static inline void fuzz_finish_replay(const struct replay *replay, struct recording *recording)
{
    struct err err;
    if (sweep_count(recording, replay, fuzz_rows(), &err) == 0) {
        for (size_t i = 0; i < recording->subject_count; i++) {
            (void)subject_finish(recording->subjects[i], &err);
        }
    }
}

/* The bytes as the journal of a killed recorder, beside a ring without lanes. */
static inline void fuzz_journal(const uint8_t *bytes, size_t count)
{
    static struct ring_header *ring;
    struct recording recording = {0};
    struct rowinsert rows = {.sink = {.append = fuzz_drop_row}, .row_count = 24};
    struct journal journal = {.fd = -1, .allocated_bytes = count, .map_bytes = count};
    struct replay replay;
    struct drain drain;
    struct err err;
    ring = ring == NULL ? aligned_alloc(64, ring_bytes(FUZZ_CHUNKS)) : ring;
    journal.bytes = malloc(count + 1);
    if (ring == NULL || journal.bytes == NULL || recording_init(&recording, NULL) < 0) {
        free(journal.bytes);
        return;
    }
    struct session session = {
        .ring = ring, .fd = -1, .chunk_count = FUZZ_CHUNKS, .chunk_max = FUZZ_CHUNKS};
    fuzz_reset_ring(ring);
    memcpy(journal.bytes, bytes, count);
    recording.sink = &rows.sink;
    recording.clock =
        (struct clock){.kind = RING_CLOCK_MONOTONIC, .ns_per_tick_32 = UINT64_C(1) << 32};
    if (drain_init(&drain, &session, &recording) == 0) {
        if (replay_journal(&replay, &journal, &drain, &rows, &err) == 0) {
            fuzz_finish_replay(&replay, &recording);
        }
        replay_fini(&replay);
        drain_fini(&drain);
    }
    recording_fini(&recording);
    free(journal.bytes);
}

/* The writes of a Go program that traces its objects, each ended by this byte. */
enum {
    FUZZ_WRITE_END = 0x1f,
};

static inline void fuzz_trace_objects(struct go_process *process, const char *text, size_t count)
{
    struct object_trace trace = {0};
    struct err err;
    uint64_t at_ns = 1;
    int r = 0;
    for (size_t end; count > 0 && r == 0; text += end, count -= end) {
        const char *found = memchr(text, FUZZ_WRITE_END, count);
        size_t bytes = found != NULL ? (size_t)(found - text) : count;
        if (object_trace_feed(&trace, text, bytes) == OBJECT_TRACE_COMPLETE) {
            r = go_objects_add(process, &trace.object, 0x400000, at_ns++, &err);
        }
        end = bytes + (found != NULL);
    }
    object_trace_finish(&trace);
}

static inline void fuzz_object_trace(const uint8_t *bytes, size_t count)
{
    const struct go_process_start start = {
        .pid = FUZZ_PID, .path = "/app/server", .command = "server"};
    struct recording recording = {0};
    struct row_sink sink = {.append = fuzz_drop_row};
    struct go_process process = {.recording = &recording};
    struct err err;
    if (recording_init(&recording, NULL) < 0) {
        return;
    }
    recording.sink = &sink;
    if (go_process_meet(&process, &start, true) == 0 && go_objects_begin(&process, 0) == 0) {
        fuzz_trace_objects(&process, (const char *)bytes, count);
        (void)subject_finish(process.subject, &err);
    }
    recording_fini(&recording);
}

#endif
