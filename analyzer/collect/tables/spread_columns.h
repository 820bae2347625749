/*
 * spread_columns.h - the standard errors of a sample's estimates, as columns of its tables.
 */
#ifndef ALLOCAUDIT_SPREAD_COLUMNS_H
#define ALLOCAUDIT_SPREAD_COLUMNS_H

#include <stdbool.h>

#include "../recording/tally.h"
#include "../rows/sqlwriter.h"

void spread_columns_add(struct spread *sum, const struct spread *spread);

/* Of all sites of a process. */
struct spread spread_columns_sum(const struct tally *tally);

/* The four columns *_stderr; NULL without a sample. */
void spread_columns_write(struct sqlwriter *writer, bool is_sample, const struct spread *spread);

#endif
