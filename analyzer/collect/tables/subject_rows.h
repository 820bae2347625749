/*
 * subject_rows.h - a table that has rows of each process.
 */
#ifndef ALLOCAUDIT_SUBJECT_ROWS_H
#define ALLOCAUDIT_SUBJECT_ROWS_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* Begins the table and has `write` fill it, process by process. Failures are kept in the writer. */
static inline void subject_rows_write(struct sqlwriter *writer, const struct recording *recording,
                                      const char *table, int column_count,
                                      void (*write)(struct sqlwriter *, const struct subject *))
{
    sqlwriter_table(writer, table, column_count);
    for (size_t i = 0; i < recording->subject_count; i++) {
        write(writer, recording->subjects[i]);
    }
}

#endif
