/*
 * fixture_recording.h - for tests of the readers: a recording made from
 * tests/fixtures/two_processes.sql in a file of its own. Tests run in the top folder of the
 * project. Failures end the test.
 */
#ifndef ALLOCAUDIT_FIXTURE_RECORDING_H
#define ALLOCAUDIT_FIXTURE_RECORDING_H

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

#include "../../schema/database.h"

struct fixture_recording {
    char path[64];
};

static inline void fixture_recording_change(const struct fixture_recording *fixture,
                                            const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %.200s", message, sql);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline char *fixture_recording_read(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size_bytes = ftell(file);
    assert_true(size_bytes > 0);
    rewind(file);
    char *text = calloc(1, (size_t)size_bytes + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size_bytes, file), (size_t)size_bytes);
    assert_int_equal(fclose(file), 0);
    return text;
}

static inline void fixture_recording_make(struct fixture_recording *fixture)
{
    (void)snprintf(fixture->path, sizeof(fixture->path), "/tmp/allocaudit-fixture-XXXXXX");
    int fd = mkstemp(fixture->path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    char *rows = fixture_recording_read("tests/fixtures/two_processes.sql");
    char identity[96];
    (void)snprintf(identity, sizeof(identity),
                   "PRAGMA application_id = %d; PRAGMA user_version = %d;", DATABASE_APPLICATION_ID,
                   DATABASE_VERSION);
    fixture_recording_change(fixture, identity);
    fixture_recording_change(fixture, database_schema_sql);
    fixture_recording_change(fixture, database_views_sql);
    fixture_recording_change(fixture, rows);
    free(rows);
}

static inline void fixture_recording_remove(const struct fixture_recording *fixture)
{
    assert_int_equal(unlink(fixture->path), 0);
}

#endif
