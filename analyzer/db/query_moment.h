/*
 * query_moment.h - moments that a program has named (allocaudit_mark()), in the order of time.
 */
#ifndef ALLOCAUDIT_QUERY_MOMENT_H
#define ALLOCAUDIT_QUERY_MOMENT_H

#include <stdint.h>

#include "../base/err.h"
#include "open.h"

struct moment_row {
    uint64_t at_ns;
    const char *name; /* lives until the sink returns */
};

typedef int moment_sink(void *context, const struct moment_row *row);

/* The first `limit` of a process. Sinks and results as in query_run.h. */
int query_moments(struct db *db, uint32_t process_id, uint64_t limit, moment_sink *sink,
                  void *context, struct err *err);

#endif
