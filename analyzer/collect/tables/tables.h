/*
 * tables.h - fills all tables but block, module and frame from what was gathered.
 */
#ifndef ALLOCAUDIT_TABLES_H
#define ALLOCAUDIT_TABLES_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"
#include "store.h"

/* Writes them, and completes the row of `run`. Errors stay in the writer. */
void tables_write(struct sqlwriter *writer, const struct run_facts *facts,
                  const struct recording *recording);

/* The part of it that the view `allocation` needs beside the rows. */
void tables_write_contexts(struct sqlwriter *writer, const struct contexts *contexts);

#endif
