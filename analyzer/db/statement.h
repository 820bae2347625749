/*
 * statement.h - one prepared query: bind, step, read columns in order. For query_*.c only.
 *
 * Columns are read left to right by statement_u64() and its kin, so a query and the code that reads
 * it stand in the same order. A number below zero, which no column read so may hold, is remembered
 * and makes the next statement_next() fail as damage. Texts live until the next step.
 */
#ifndef ALLOCAUDIT_STATEMENT_H
#define ALLOCAUDIT_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/err.h"
#include "open.h"

struct statement {
    struct db *db;
    struct sqlite3_stmt *prepared;
    int bound_count;
    int column; /* next to be read */
    int code;   /* the first failure, an SQLite result code; 0: none */
    bool is_damaged;
};

/* Prepares. Failures, also of binding, are kept for statement_next(). */
void statement_begin(struct statement *statement, struct db *db, const char *sql);

/* Binds the next parameter (?1, ?2 ...). A text must live until statement_end(). */
void statement_bind(struct statement *statement, uint64_t value);
void statement_bind_null(struct statement *statement);
void statement_bind_text(struct statement *statement, const char *text);

/* 1: a row is there; 0: no more rows; else a negative errno, told in err. */
int statement_next(struct statement *statement, struct err *err);

uint64_t statement_u64(struct statement *statement);
uint32_t statement_u32(struct statement *statement);   /* too large: damaged */
int64_t statement_signed(struct statement *statement); /* as it is */
double statement_real(struct statement *statement);    /* NULL: 0 */
uint64_t statement_u64_or(struct statement *statement, uint64_t null_value);
const char *statement_text(struct statement *statement); /* NULL becomes "" */
const char *statement_text_or_null(struct statement *statement);

/* Rewinds for new parameters. */
void statement_reset(struct statement *statement);

/* Takes one row; returns 0 to go on, or the negative errno of what it was handed to. */
typedef int statement_reader(struct statement *statement, void *target);

/*
 * Hands every row to `reader`, then ends the statement. Returns 0 or a negative errno, told in err.
 * Numbers that cannot be are told after the row that held them: rows count only once this has
 * returned 0.
 */
int statement_each(struct statement *statement, statement_reader *reader, void *target,
                   struct err *err);

/* A zeroed one is fine. */
void statement_end(struct statement *statement);

/* Whether the recording has a table that older ones lack. Returns as statement_each(). */
int statement_find_table(struct db *db, const char *table, bool *out_is_there, struct err *err);

/* The same for a column. */
int statement_find_column(struct db *db, const char *table, const char *column, bool *out_is_there,
                          struct err *err);

#endif
