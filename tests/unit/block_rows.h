/*
 * block_rows.h - for tests of what reads blocks: a recording whose blocks are written by hand.
 */
#ifndef ALLOCAUDIT_BLOCK_ROWS_H
#define ALLOCAUDIT_BLOCK_ROWS_H

#include "fixture_recording.h"

/*
 * The contexts that rows may name, all of process 1 but the eighth: 1 malloc freed by thread 1, 2
 * malloc live, 3 malloc ended by a realloc, 4 realloc freed, 5 calloc freed by thread 2, 6 memalign
 * live, 7 mmap, 8 malloc freed in process 2, 9 realloc live, 10 malloc by thread 2 freed by thread
 * 1, 11 malloc ended by thread 2's realloc, 12 thread 2's realloc freed by thread 1.
 */
static const char block_rows_contexts[] =
    "DELETE FROM block; DELETE FROM context;"
    "INSERT INTO context VALUES (1, 1, 1, 2, 0, 0, 1, 0, 0), (2, 1, 1, 2, 0, NULL, NULL, 0, 0),"
    " (3, 1, 1, 2, 0, 1, 1, 0, 0), (4, 1, 1, 2, 2, 0, 1, 0, 0), (5, 1, 1, 2, 1, 0, 2, 0, 0),"
    " (6, 1, 1, 2, 4, NULL, NULL, 0, 0), (7, 1, 1, 2, 11, 7, 1, 0, 0),"
    " (8, 2, 3, 2, 0, 0, 3, 0, 0), (9, 1, 1, 2, 2, NULL, NULL, 0, 0),"
    " (10, 1, 2, 2, 0, 0, 1, 0, 0), (11, 1, 1, 2, 0, 1, 2, 0, 0), (12, 1, 2, 2, 2, 0, 1, 0, 0);";

/* rows: (born_ns, lifetime_ns, size_bytes, context_id, realloc_of_id, alignment, id), ... */
static inline void block_rows_make(struct fixture_recording *fixture, const char *rows)
{
    char sql[4096];
    (void)snprintf(sql, sizeof(sql),
                   "%s CREATE TEMP TABLE given (b, l, s, c, r, a, i);"
                   "INSERT INTO given VALUES %s;"
                   "INSERT INTO block SELECT b, l, i * 64, s, c, r, NULL, a, NULL, NULL, i FROM "
                   "given;",
                   block_rows_contexts, rows);
    fixture_recording_make(fixture);
    fixture_recording_change(fixture, sql);
}

#endif
