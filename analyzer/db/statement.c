#include "statement.h"

#include <errno.h>
#include <stddef.h>

#include <sqlite3.h>

void statement_begin(struct statement *statement, struct db *db, const char *sql)
{
    *statement = (struct statement){.db = db};
    statement->code = sqlite3_prepare_v3(db_handle(db), sql, -1, 0, &statement->prepared, NULL);
}

static void note_code(struct statement *statement, int code)
{
    if (statement->code == SQLITE_OK) {
        statement->code = code;
    }
}

void statement_bind(struct statement *statement, uint64_t value)
{
    int64_t bound = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    statement->bound_count++;
    note_code(statement, sqlite3_bind_int64(statement->prepared, statement->bound_count, bound));
}

void statement_bind_null(struct statement *statement)
{
    statement->bound_count++;
    note_code(statement, sqlite3_bind_null(statement->prepared, statement->bound_count));
}

void statement_bind_text(struct statement *statement, const char *text)
{
    statement->bound_count++;
    note_code(statement, sqlite3_bind_text(statement->prepared, statement->bound_count, text, -1,
                                           SQLITE_STATIC));
}

int statement_next(struct statement *statement, struct err *err)
{
    if (statement->code != SQLITE_OK) {
        return db_fail(statement->db, statement->code, err);
    }
    if (statement->is_damaged) {
        return db_fail(statement->db, SQLITE_CORRUPT, err);
    }
    statement->column = 0;
    int code = sqlite3_step(statement->prepared);
    if (code == SQLITE_ROW) {
        return 1;
    }
    if (code == SQLITE_DONE) {
        return 0;
    }
    return db_fail(statement->db, code, err);
}

int64_t statement_signed(struct statement *statement)
{
    return sqlite3_column_int64(statement->prepared, statement->column++);
}

uint64_t statement_u64(struct statement *statement)
{
    int64_t value = statement_signed(statement);
    if (value < 0) {
        statement->is_damaged = true;
        return 0;
    }
    return (uint64_t)value;
}

uint32_t statement_u32(struct statement *statement)
{
    uint64_t value = statement_u64(statement);
    if (value > UINT32_MAX) {
        statement->is_damaged = true;
        return 0;
    }
    return (uint32_t)value;
}

double statement_real(struct statement *statement)
{
    return sqlite3_column_double(statement->prepared, statement->column++);
}

uint64_t statement_u64_or(struct statement *statement, uint64_t null_value)
{
    if (sqlite3_column_type(statement->prepared, statement->column) == SQLITE_NULL) {
        statement->column++;
        return null_value;
    }
    return statement_u64(statement);
}

const char *statement_text_or_null(struct statement *statement)
{
    return (const char *)sqlite3_column_text(statement->prepared, statement->column++);
}

const char *statement_text(struct statement *statement)
{
    const char *text = statement_text_or_null(statement);
    return text != NULL ? text : "";
}

void statement_reset(struct statement *statement)
{
    (void)sqlite3_reset(statement->prepared);
    statement->bound_count = 0;
}

int statement_each(struct statement *statement, statement_reader *reader, void *target,
                   struct err *err)
{
    int result = statement_next(statement, err);
    while (result > 0) {
        int taken = reader(statement, target);
        if (taken < 0) {
            result =
                err_set_errno(err, -taken, "cannot keep what '%s' holds", db_path(statement->db));
            break;
        }
        result = statement_next(statement, err);
    }
    statement_end(statement);
    return result;
}

void statement_end(struct statement *statement)
{
    (void)sqlite3_finalize(statement->prepared);
    *statement = (struct statement){0};
}

static int read_found(struct statement *from, void *context)
{
    *(bool *)context = statement_u64(from) != 0;
    return 0;
}

int statement_find_table(struct db *db, const char *table, bool *out_is_there, struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db,
                    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1");
    statement_bind_text(&statement, table);
    return statement_each(&statement, read_found, out_is_there, err);
}

int statement_find_column(struct db *db, const char *table, const char *column, bool *out_is_there,
                          struct err *err)
{
    struct statement statement;
    statement_begin(&statement, db, "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2");
    statement_bind_text(&statement, table);
    statement_bind_text(&statement, column);
    return statement_each(&statement, read_found, out_is_there, err);
}
