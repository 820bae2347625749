/*
 * latency_rows.h - the tables call_latency, latency_class and site_latency.
 */
#ifndef ALLOCAUDIT_LATENCY_ROWS_H
#define ALLOCAUDIT_LATENCY_ROWS_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"

/* Fills the three for all processes. Failures are kept in the writer. */
void latency_rows_write(struct sqlwriter *writer, const struct recording *recording);

#endif
