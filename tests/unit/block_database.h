/*
 * block_database.h - for tests of rowpack: a database file with our schema, rows of every width,
 * and a comparison with what SQLite's own INSERT makes of them. Failures end the test.
 */
#ifndef ALLOCAUDIT_BLOCK_DATABASE_H
#define ALLOCAUDIT_BLOCK_DATABASE_H

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/collect/rows/rowpack.h"
#include "../../schema/database.h"

#define BLOCK_DATABASE_INSERT "INSERT INTO block VALUES (?,?,?,?,?,?,?,?,NULL,?,?)"

struct block_database {
    char path[64];
    int fd;
    uint32_t root_page; /* of `block` */
};

static inline sqlite3 *block_database_open(const struct block_database *database)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(database->path, &db), SQLITE_OK);
    return db;
}

static inline void block_database_exec(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
}

static inline int64_t block_database_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static inline void block_database_create(struct block_database *database)
{
    strcpy(database->path, "/tmp/test_rowpack_XXXXXX");
    int fd = mkstemp(database->path);
    assert_true(fd >= 0);
    close(fd);
    sqlite3 *db = block_database_open(database);
    block_database_exec(db, "PRAGMA page_size = 65536");
    block_database_exec(db, database_schema_sql);
    database->root_page = (uint32_t)block_database_number(
        db, "SELECT rootpage FROM sqlite_schema WHERE name = 'block'");
    sqlite3_close(db);
    database->fd = open(database->path, O_RDWR | O_CLOEXEC);
    assert_true(database->fd >= 0);
}

static inline void block_database_remove(struct block_database *database)
{
    close(database->fd);
    unlink(database->path);
}

static inline off_t block_database_size(const struct block_database *database)
{
    struct stat status;
    assert_int_equal(fstat(database->fd, &status), 0);
    return status.st_size;
}

static inline void block_database_read(const struct block_database *database, void *out_bytes,
                                       size_t size_bytes, off_t offset)
{
    assert_int_equal(pread(database->fd, out_bytes, size_bytes, offset), size_bytes);
}

static inline void block_database_write(const struct block_database *database, const void *bytes,
                                        size_t size_bytes, off_t offset)
{
    assert_int_equal(pwrite(database->fd, bytes, size_bytes, offset), size_bytes);
}

static inline void block_database_check_integrity(const struct block_database *database)
{
    sqlite3 *db = block_database_open(database);
    sqlite3_stmt *statement;
    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* xorshift64*: rows depend on the seed and their id only. */
static inline uint64_t block_row_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Every width from 0 to bits is equally likely. */
static inline uint64_t block_row_value(uint64_t *state, unsigned bits)
{
    unsigned width = (unsigned)(block_row_random(state) % (bits + 1));
    uint64_t value = block_row_random(state);
    return width == 0 ? 0 : value >> (64 - width);
}

static inline struct block_row block_row_make(uint64_t seed, uint64_t id)
{
    uint64_t state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ id * UINT64_C(0xbf58476d1ce4e5b9);
    block_row_random(&state);
    struct block_row row = {
        .born_ns = block_row_value(&state, 63),
        .lifetime_ns = block_row_value(&state, 63),
        .size_bytes = block_row_value(&state, 63),
        .address_offset = (uint32_t)block_row_value(&state, 31),
        .context_id = (uint32_t)block_row_value(&state, 32),
    };
    uint64_t choice = block_row_random(&state);
    row.lifetime_ns = choice % 7 == 0 ? BLOCK_ROW_LIVE : row.lifetime_ns;
    row.slack_bytes = choice & 0x100 ? block_row_value(&state, 63) : 0;
    row.alignment = choice & 0x200 ? (uint32_t)block_row_value(&state, 32) : 0;
    row.realloc_of_id = choice & 0x400 ? block_row_value(&state, 63) : 0;
    row.weight = choice & 0x800 ? (uint32_t)block_row_value(&state, 32) : 0;
    return row;
}

static inline void block_database_append(struct rowpack *pack, uint64_t seed, uint64_t count)
{
    struct err err;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t id;
        const struct block_row row = block_row_make(seed, rowpack_row_count(pack) + 1);
        if (rowpack_append(pack, &row, &id, &err) < 0) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(id, rowpack_row_count(pack));
    }
}

static inline void block_database_bind(sqlite3_stmt *insert, uint64_t id,
                                       const struct block_row *row)
{
    const uint64_t values[] = {
        row->born_ns,       row->lifetime_ns, row->address_offset, row->size_bytes, row->context_id,
        row->realloc_of_id, row->slack_bytes, row->alignment,      row->weight,
    };
    for (int i = 0; i < 9; i++) {
        sqlite3_bind_int64(insert, i + 1, (sqlite3_int64)values[i]);
    }
    if (row->lifetime_ns == BLOCK_ROW_LIVE) {
        sqlite3_bind_null(insert, 2);
    }
    for (int i = 5; i < 9; i++) {
        if (values[i] == 0) {
            sqlite3_bind_null(insert, i + 1);
        }
    }
    sqlite3_bind_int64(insert, 10, (sqlite3_int64)id);
}

/* A database in memory with the rows 1 to count, put there by SQLite. */
static inline sqlite3 *block_database_make_reference(uint64_t seed, uint64_t count)
{
    sqlite3 *db;
    sqlite3_stmt *insert;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    block_database_exec(db, database_schema_sql);
    block_database_exec(db, "BEGIN");
    sqlite3_prepare_v2(db, BLOCK_DATABASE_INSERT, -1, &insert, NULL);
    for (uint64_t id = 1; id <= count; id++) {
        const struct block_row row = block_row_make(seed, id);
        block_database_bind(insert, id, &row);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    block_database_exec(db, "COMMIT");
    return db;
}

static inline void block_database_compare(sqlite3 *found_db, sqlite3 *expected_db)
{
    sqlite3_stmt *found;
    sqlite3_stmt *expected;
    sqlite3_prepare_v2(found_db, "SELECT * FROM block ORDER BY id", -1, &found, NULL);
    sqlite3_prepare_v2(expected_db, "SELECT * FROM block ORDER BY id", -1, &expected, NULL);
    int step;
    do {
        step = sqlite3_step(expected);
        assert_int_equal(sqlite3_step(found), step);
        for (int i = 0; step == SQLITE_ROW && i < sqlite3_column_count(expected); i++) {
            assert_int_equal(sqlite3_column_type(found, i), sqlite3_column_type(expected, i));
            assert_int_equal(sqlite3_column_int64(found, i), sqlite3_column_int64(expected, i));
        }
    } while (step == SQLITE_ROW);
    assert_int_equal(step, SQLITE_DONE);
    sqlite3_finalize(found);
    sqlite3_finalize(expected);
}

/* The file is sound, and `block` holds the rows 1 to count as SQLite would have put them there. */
static inline void block_database_check(const struct block_database *database, uint64_t seed,
                                        uint64_t count)
{
    block_database_check_integrity(database);
    sqlite3 *found = block_database_open(database);
    sqlite3 *expected = block_database_make_reference(seed, count);
    block_database_compare(found, expected);
    sqlite3_close(found);
    sqlite3_close(expected);
}

#endif
