/*
 * query_fault.h - errors of the program (table `fault`). Recordings made before there was that
 * table have none. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_FAULT_H
#define ALLOCAUDIT_QUERY_FAULT_H

#include <stdint.h>

#include "../base/err.h"
#include "open.h"

/* Fields are named like the columns; texts live until the sink returns. */
struct fault_row {
    const char *kind;
    const char *call;
    uint32_t process_id;
    uint32_t thread_id;
    uint64_t at_ns;
    uint64_t address; /* this and what follows may be QUERY_NULL */
    uint64_t given;
    uint64_t stack_id;
    uint64_t block_address;
    uint64_t block_id;
    uint64_t block_stack_id;
    uint64_t block_freed_ns; /* when the block was freed, by the row of it */
};

typedef int fault_sink(void *context, const struct fault_row *row);

/* In the order of time; process_id 0: of all. Sinks and results as in query_run.h. */
int query_faults(struct db *db, uint32_t process_id, fault_sink *sink, void *context,
                 struct err *err);

#endif
