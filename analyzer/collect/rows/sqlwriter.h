/*
 * sqlwriter.h - rows into SQLite tables, and SQLite's errors as ours.
 */
#ifndef ALLOCAUDIT_SQLWRITER_H
#define ALLOCAUDIT_SQLWRITER_H

#include <sqlite3.h>
#include <stdint.h>

#include "../../base/err.h"

struct sqlwriter {
    sqlite3 *handle;
    const char *path;
    sqlite3_stmt *insert; /* of the table being filled */
    int column;           /* bound so far of the present row */
    int status;           /* first negative errno; later calls do nothing */
    struct err *err;
};

/* Where others read the file, writing waits until they are done, or fails after 10 s: -EBUSY. */
int sqlwriter_open(struct sqlwriter *writer, const char *path, struct err *err);

/* Ends the transaction that is open, by COMMIT if all went well. Returns the first error or 0. */
int sqlwriter_close(struct sqlwriter *writer);

void sqlwriter_execute(struct sqlwriter *writer, const char *sql);

/* Starts filling a table: all columns are to be bound for each row, in the order of its schema. */
void sqlwriter_table(struct sqlwriter *writer, const char *table, int column_count);

void sqlwriter_integer(struct sqlwriter *writer, uint64_t value);
void sqlwriter_text(struct sqlwriter *writer, const char *text); /* NULL gives NULL */
void sqlwriter_null(struct sqlwriter *writer);
void sqlwriter_row(struct sqlwriter *writer);

/* A column that is NULL where value is 0 (ids, times that never came). */
void sqlwriter_integer_or_null(struct sqlwriter *writer, uint64_t value);

#endif
