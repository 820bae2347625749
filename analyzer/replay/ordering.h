/*
 * ordering.h - which of its threads a process must have ordered, while it is compiled.
 *
 * Threads are ordered where the program must have done it: a block that one thread made and
 * another frees or reallocs (the compiler's part: ordering_wait()); a thread's first operation
 * after the operation before it, which is nearly always its creator's; the creator's next
 * operation after the end of what it created, where it may have joined it; a thread that begins
 * after those that ended before. Which thread owned an
 * address before plays no part: that is the recorded allocator's doing.
 *
 * What a program orders without handing over a block (a queue that is full, a barrier) is not
 * seen. So that no thread runs far ahead for want of it, none may be more than two windows of
 * ORDERING_WINDOW records ahead of what was recorded.
 */
#ifndef ALLOCAUDIT_ORDERING_H
#define ALLOCAUDIT_ORDERING_H

#include <stdint.h>

#include "../base/err.h"
#include "../base/map.h"
#include "../model/operations.h"
#include "../model/trace.h"
#include "script_writer.h"

enum {
    ORDERING_WINDOW = 2048,
};

struct ordering_thread; /* opaque */

struct ordering {
    const struct trace *trace;
    uint32_t process_id;
    struct script_writer *writer;    /* owned by the compiler */
    struct map thread_index;         /* stream by thread.id */
    struct ordering_thread *threads; /* by stream */
    uint32_t thread_limit;
    uint32_t begun_count; /* streams are numbered in the order in which threads begin */
    uint32_t last_thread;
    uint64_t began_ns;
    uint64_t window;       /* the current one */
    uint64_t record_count; /* of the total order so far */
    uint64_t start_count;
    uint64_t join_count;
};

/* Returns 0 or -ENOMEM. thread_limit: how many threads the process has. */
int ordering_init(struct ordering *ordering, const struct trace *trace, uint32_t process_id,
                  uint32_t thread_limit);

/* Before the records of an operation: adds waits and the time where they are due, and finds the
 * stream. Returns 0, -EBADMSG (no such thread) or a negative errno. */
int ordering_enter(struct ordering *ordering, const struct operation *operation,
                   uint32_t *out_stream, struct err *err);

/* Adds a record. Returns 0 or a negative errno. */
int ordering_add(struct ordering *ordering, uint32_t stream, const struct script_record *record,
                 struct err *err);

/* What comes next in the stream waits for the first `count` records of `other`. */
int ordering_wait(struct ordering *ordering, uint32_t stream, uint32_t other, uint64_t count,
                  struct err *err);

/* A zeroed one is fine. */
void ordering_fini(struct ordering *ordering);

#endif
