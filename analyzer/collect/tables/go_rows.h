/*
 * go_rows.h - the tables gc, scavenge and go_runtime.
 */
#ifndef ALLOCAUDIT_GO_ROWS_H
#define ALLOCAUDIT_GO_ROWS_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* Fills the three; they stay empty where no Go program was recorded. Failures are kept in the
 * writer. */
void go_rows_write(struct sqlwriter *writer, const struct recording *recording);

#endif
