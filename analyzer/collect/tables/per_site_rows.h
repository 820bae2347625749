/*
 * per_site_rows.h - the tables site, temporary and site_leak: what call stacks come to.
 */
#ifndef ALLOCAUDIT_PER_SITE_ROWS_H
#define ALLOCAUDIT_PER_SITE_ROWS_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* Fills the three for all processes. Failures are kept in the writer. */
void per_site_rows_write(struct sqlwriter *writer, const struct recording *recording);

#endif
