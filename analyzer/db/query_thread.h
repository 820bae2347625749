/*
 * query_thread.h - figures of threads beyond those of query_run.h: what they freed at once, and
 * what they left.
 *
 * Sinks and results as in query_run.h. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_THREAD_H
#define ALLOCAUDIT_QUERY_THREAD_H

#include <stdint.h>

#include "../../schema/leak_kind.h"
#include "open.h"

/* Blocks of a thread and a stack that were live when their process ended. */
struct thread_leak_row {
    uint32_t thread_id;
    uint32_t stack_id;
    enum leak_kind kind;
    uint64_t leaked_count;
    uint64_t leaked_bytes;
};

/* What a thread allocated from a stack. */
struct thread_site_row {
    uint32_t thread_id;
    uint32_t stack_id;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
};

typedef int thread_site_sink(void *context, const struct thread_site_row *row);
typedef int thread_leak_sink(void *context, const struct thread_leak_row *row);
typedef int thread_temporary_sink(void *context, uint32_t thread_id, uint64_t temporary_count);

/* Reads all rows of blocks: 5 million a second. */
int query_thread_leaks(struct db *db, thread_leak_sink *sink, void *context, struct err *err);

/* Likewise. Only where every block has its row (detail `full`). */
int query_thread_sites(struct db *db, thread_site_sink *sink, void *context, struct err *err);

/* Of each thread; -ENODATA where it is not known: recovered, or recorded by an older version. */
int query_thread_temporaries(struct db *db, thread_temporary_sink *sink, void *context,
                             struct err *err);

#endif
