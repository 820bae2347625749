/*
 * process_rows.h - the tables process, thread and module_load.
 */
#ifndef ALLOCAUDIT_PROCESS_ROWS_H
#define ALLOCAUDIT_PROCESS_ROWS_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* Fills the three for all processes. Failures are kept in the writer. */
void process_rows_write(struct sqlwriter *writer, const struct recording *recording);

#endif
