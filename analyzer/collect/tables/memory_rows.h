/*
 * memory_rows.h - the tables memory_sample and resident_range: where the memory is.
 */
#ifndef ALLOCAUDIT_MEMORY_ROWS_H
#define ALLOCAUDIT_MEMORY_ROWS_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* Fills both for all processes. Failures are kept in the writer. */
void memory_rows_write(struct sqlwriter *writer, const struct recording *recording);

#endif
