/*
 * rowinsert.h - rows of `block` by plain INSERT, into a table that has been sealed (rowpack.h).
 */
#ifndef ALLOCAUDIT_ROWINSERT_H
#define ALLOCAUDIT_ROWINSERT_H

#include <stdint.h>

#include "../../base/err.h"
#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

struct rowinsert {
    struct row_sink sink; /* first: give its address to a recording */
    struct sqlwriter *writer;
    sqlite3_stmt *insert;
    uint64_t row_count; /* in the table already */
    uint64_t next_id;   /* a row whose id is in the table already is not written again */
};

/* Within a transaction of `writer`, which must outlive it. Returns 0 or a negative errno. */
int rowinsert_init(struct rowinsert *rows, struct sqlwriter *writer, uint64_t row_count,
                   struct err *err);
void rowinsert_fini(struct rowinsert *rows);

#endif
