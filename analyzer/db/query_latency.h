/*
 * query_latency.h - how long calls to the allocator took that were timed: the tables call_latency,
 * latency_class and site_latency, and what is needed to read them.
 *
 * Sinks and results as in query_run.h. A process_id of 0 stands for all processes.
 */
#ifndef ALLOCAUDIT_QUERY_LATENCY_H
#define ALLOCAUDIT_QUERY_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "open.h"

struct call_latency_row {
    const char *kind; /* malloc ... free ... */
    uint64_t call_count;
    uint64_t timed_count;
    uint64_t time_sum_ns; /* of the timed calls, as is what follows */
    uint64_t time_max_ns;
    uint64_t long_count; /* those that took more than 1 ms */
    uint64_t long_sum_ns;
};

struct latency_class_row {
    const char *kind;
    uint64_t time_min_ns;
    uint64_t call_count;
};

struct site_latency_row {
    uint64_t time_min_ns;
    uint64_t call_count;
    uint64_t time_max_ns;
};

struct cpu_time {
    uint64_t cpu_time_ns;         /* of the processes of which it is known */
    uint64_t process_count;       /* so many */
    uint64_t other_process_count; /* of which it is not */
    uint64_t clock_cost_ns;       /* QUERY_NULL: not known */
};

typedef int call_latency_sink(void *context, const struct call_latency_row *row);
typedef int latency_class_sink(void *context, const struct latency_class_row *row);
typedef int site_latency_sink(void *context, const struct site_latency_row *row);

/* By kind. has_cpu_time: only of processes whose CPU time is known. */
int query_call_latencies(struct db *db, uint32_t process_id, bool has_cpu_time,
                         call_latency_sink *sink, void *context, struct err *err);

/* By kind, then by time. */
int query_latency_classes(struct db *db, uint32_t process_id, latency_class_sink *sink,
                          void *context, struct err *err);

/* Of one stack, by time. */
int query_site_latencies(struct db *db, uint32_t process_id, uint32_t stack_id,
                         site_latency_sink *sink, void *context, struct err *err);

int query_cpu_time(struct db *db, uint32_t process_id, struct cpu_time *out_time, struct err *err);

#endif
