/*
 * query_sanitizer.h - what sanitizers have printed in the recorded program (tables
 * `sanitizer_report` and `sanitizer_block`). Recordings made before there were those tables have
 * none. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_SANITIZER_H
#define ALLOCAUDIT_QUERY_SANITIZER_H

#include <stdint.h>

#include "../base/err.h"
#include "open.h"

/* Fields are named like the columns; texts live until the sink returns. What may be missing is
 * QUERY_NULL. */
struct sanitizer_report_row {
    uint32_t id;
    uint32_t process_id;
    uint32_t thread_id;
    uint64_t at_ns;
    const char *tool;
    const char *kind;
    uint64_t address;
    const char *access; /* NULL: it is no access */
    uint64_t access_bytes;
    uint64_t stack_id;
    const char *text;
};

struct sanitizer_block_row {
    const char *role;
    uint64_t address;
    uint64_t size_bytes;
    uint64_t block_count;
    uint64_t block_id;
    uint64_t stack_id;
    uint64_t freed_stack_id;
    uint64_t freed_ns; /* this and what follows by the block's row */
    uint64_t freed_by_thread_id;
};

typedef int sanitizer_report_sink(void *context, const struct sanitizer_report_row *row);
typedef int sanitizer_block_sink(void *context, const struct sanitizer_block_row *row);

/* In the order of time; process_id 0: of all. Sinks and results as in query_run.h. */
int query_sanitizer_reports(struct db *db, uint32_t process_id, sanitizer_report_sink *sink,
                            void *context, struct err *err);

/* What the report names, in its order. */
int query_sanitizer_blocks(struct db *db, uint32_t report_id, sanitizer_block_sink *sink,
                           void *context, struct err *err);

#endif
