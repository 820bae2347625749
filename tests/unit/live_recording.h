/*
 * live_recording.h - for tests of the collector: a recording in progress over a database of its
 * own, and what stands in that database once it is sealed. Failures end the test.
 */
#ifndef ALLOCAUDIT_LIVE_RECORDING_H
#define ALLOCAUDIT_LIVE_RECORDING_H

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/collect/recording/recording.h"
#include "../../analyzer/collect/tables/store.h"
#include "../../analyzer/collect/tables/tables.h"
#include "../../schema/ring.h"

struct live_recording {
    char directory[64];
    char path[96];
    struct store store;
    struct recording recording;
};

/* clock_kind: RING_CLOCK_MONOTONIC makes ticks ns; 0 takes the best clock there is. */
static inline void live_recording_begin(struct live_recording *live, uint32_t clock_kind)
{
    struct err err = {{0}};
    const struct run_facts facts = {.command = "test", .ring_path = "", .unwind = "auto"};
    *live = (struct live_recording){.store = {.fd = -1}};
    snprintf(live->directory, sizeof(live->directory), "/tmp/allocaudit-test-XXXXXX");
    assert_non_null(mkdtemp(live->directory));
    snprintf(live->path, sizeof(live->path), "%s/run.db", live->directory);
    struct rowpack *rows = NULL;
    if (store_create(live->path, &facts, &live->store, &err) < 0 ||
        rowpack_create(live->store.fd, live->store.root_page, &rows, &err) < 0) {
        fail_msg("%s", err.text);
    }
    clock_start(&live->recording.clock);
    if (clock_kind != 0 && clock_kind != live->recording.clock.kind) {
        live->recording.clock.kind = clock_kind;
        live->recording.clock.start_ticks = live->recording.clock.start_monotonic_ns;
        live->recording.clock.epoch_ticks = live->recording.clock.start_ticks;
    }
    clock_calibrate(&live->recording.clock);
    assert_int_equal(recording_init(&live->recording, rows), 0);
}

/* Ends all subjects and seals the rows: from here on the database can be read. */
static inline void live_recording_seal(struct live_recording *live)
{
    struct err err = {{0}};
    for (size_t i = 0; i < live->recording.subject_count; i++) {
        if (subject_finish(live->recording.subjects[i], &err) < 0) {
            fail_msg("%s", err.text);
        }
    }
    struct sqlwriter writer;
    if (rowpack_seal(live->recording.rows, &err) < 0 ||
        sqlwriter_open(&writer, live->path, &err) < 0) {
        fail_msg("%s", err.text);
    }
    tables_write_contexts(&writer, &live->recording.contexts);
    if (sqlwriter_close(&writer) < 0) {
        fail_msg("%s", err.text);
    }
}

/* The first value of the first row, or -1 if there is none. */
static inline int64_t live_recording_number(const struct live_recording *live, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    assert_int_equal(sqlite3_open_v2(live->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    int step = sqlite3_step(query);
    assert_true(step == SQLITE_ROW || step == SQLITE_DONE);
    int64_t number = step == SQLITE_ROW ? sqlite3_column_int64(query, 0) : -1;
    sqlite3_finalize(query);
    sqlite3_close(db);
    return number;
}

static inline void live_recording_end(struct live_recording *live)
{
    struct rowpack *rows = live->recording.rows;
    recording_fini(&live->recording);
    rowpack_destroy(rows);
    store_close(&live->store);
    unlink(live->path);
    rmdir(live->directory);
}

#endif
