/*
 * class_rows.h - the tables size_class, lifetime_class and timeline: allocations by size, age and
 * time.
 */
#ifndef ALLOCAUDIT_CLASS_ROWS_H
#define ALLOCAUDIT_CLASS_ROWS_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* Fills the three for all processes. Failures are kept in the writer. */
void class_rows_write(struct sqlwriter *writer, const struct recording *recording);

#endif
