/*
 * query_unrecorded.h - processes that are not in the recording (table `unrecorded`). Recordings
 * made before there was that table have none. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_UNRECORDED_H
#define ALLOCAUDIT_QUERY_UNRECORDED_H

#include <stdint.h>

#include "../base/err.h"
#include "open.h"

/* Fields are named like the columns. */
struct unrecorded_row {
    const char *path;   /* NULL: others, which are not named */
    const char *reason; /* NULL: not known */
    uint64_t process_count;
    uint64_t pid; /* this and what follows may be QUERY_NULL */
    uint64_t parent_id;
    uint64_t at_ns;
};

typedef int unrecorded_sink(void *context, const struct unrecorded_row *row);

/* In the order of time, the others last. Sinks and results as in query_run.h. */
int query_unrecorded(struct db *db, unrecorded_sink *sink, void *context, struct err *err);

/* A reason in words for people: "statically linked". */
const char *query_unrecorded_why(const char *reason);

#endif
