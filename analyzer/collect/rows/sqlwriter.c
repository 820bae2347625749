#include "sqlwriter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    READERS_MS = 10000, /* that others may go on reading before a write is given up */
};

static int sqlwriter_errno(sqlite3 *handle, int code)
{
    switch (code & 0xff) {
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_BUSY:
        return EBUSY;
    case SQLITE_IOERR: {
        int system = sqlite3_system_errno(handle);
        return system != 0 ? system : EIO;
    }
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return EACCES;
    default:
        return EIO;
    }
}

static void sqlwriter_fail(struct sqlwriter *writer, int code)
{
    if (writer->status == 0) {
        writer->status =
            err_set(writer->err, sqlwriter_errno(writer->handle, code), "cannot write '%s': %s",
                    writer->path,
                    writer->handle != NULL ? sqlite3_errmsg(writer->handle) : sqlite3_errstr(code));
    }
}

int sqlwriter_open(struct sqlwriter *writer, const char *path, struct err *err)
{
    *writer = (struct sqlwriter){.path = path, .err = err};
    int code =
        sqlite3_open_v2(path, &writer->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        sqlwriter_fail(writer, code);
    }
    sqlite3_busy_timeout(writer->handle, READERS_MS);
    return writer->status;
}

int sqlwriter_close(struct sqlwriter *writer)
{
    sqlite3_finalize(writer->insert);
    writer->insert = NULL;
    if (writer->handle != NULL && sqlite3_get_autocommit(writer->handle) == 0) {
        sqlwriter_execute(writer, "COMMIT");
        if (writer->status != 0) {
            sqlite3_exec(writer->handle, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    sqlite3_close(writer->handle);
    writer->handle = NULL;
    return writer->status;
}

void sqlwriter_execute(struct sqlwriter *writer, const char *sql)
{
    if (writer->status != 0) {
        return;
    }
    int code = sqlite3_exec(writer->handle, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        sqlwriter_fail(writer, code);
    }
}

void sqlwriter_table(struct sqlwriter *writer, const char *table, int column_count)
{
    sqlite3_finalize(writer->insert);
    writer->insert = NULL;
    writer->column = 0;
    if (writer->status != 0) {
        return;
    }
    char sql[512];
    int used = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?", table);
    for (int i = 1; i < column_count; i++) {
        used += snprintf(sql + used, sizeof(sql) - (size_t)used, ", ?");
    }
    snprintf(sql + used, sizeof(sql) - (size_t)used, ")");
    int code = sqlite3_prepare_v2(writer->handle, sql, -1, &writer->insert, NULL);
    if (code != SQLITE_OK) {
        sqlwriter_fail(writer, code);
    }
}

void sqlwriter_integer(struct sqlwriter *writer, uint64_t value)
{
    writer->column++;
    if (writer->status == 0) {
        sqlite3_bind_int64(writer->insert, writer->column, (sqlite3_int64)value);
    }
}

void sqlwriter_null(struct sqlwriter *writer)
{
    writer->column++;
    if (writer->status == 0) {
        sqlite3_bind_null(writer->insert, writer->column);
    }
}

void sqlwriter_integer_or_null(struct sqlwriter *writer, uint64_t value)
{
    if (value == 0) {
        sqlwriter_null(writer);
    } else {
        sqlwriter_integer(writer, value);
    }
}

void sqlwriter_text(struct sqlwriter *writer, const char *text)
{
    writer->column++;
    if (writer->status == 0) {
        sqlite3_bind_text(writer->insert, writer->column, text, -1, SQLITE_TRANSIENT);
    }
}

void sqlwriter_row(struct sqlwriter *writer)
{
    writer->column = 0;
    if (writer->status != 0) {
        return;
    }
    int code = sqlite3_step(writer->insert);
    sqlite3_reset(writer->insert);
    if (code != SQLITE_DONE) {
        sqlwriter_fail(writer, code);
    }
}
