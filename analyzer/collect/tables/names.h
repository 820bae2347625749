/*
 * names.h - fills the tables `module` and `frame`: the functions behind all code addresses of a
 * run.
 */
#ifndef ALLOCAUDIT_NAMES_H
#define ALLOCAUDIT_NAMES_H

#include "../recording/recording.h"
#include "../rows/sqlwriter.h"
#include "store.h"

/* Writes both tables. Errors stay in the writer; running out of memory is one of them. */
void names_write(struct sqlwriter *writer, const struct recording *recording,
                 const struct store_finish_options *options);

#endif
