/*
 * query_run.h - the tables that describe a run as a whole: run, environment, process, thread,
 * module.
 *
 * A sink gets one row per call, in the order of the ids; texts in it live until it returns. It
 * returns 0 to go on, or a negative errno, which ends the query. The queries return 0, a sink's
 * negative errno or the one of a failed read, told in err.
 */
#ifndef ALLOCAUDIT_QUERY_RUN_H
#define ALLOCAUDIT_QUERY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "open.h"

#define QUERY_NULL UINT64_MAX /* a number that is NULL in the database */

/* Fields are named like the columns of the table `run`; schema/README.md says what they mean. */
struct run_row {
    const char *tool_version;
    const char *state;
    const char *command;
    const char *working_directory;
    const char *host;
    const char *kernel;
    const char *libc;
    const char *detail;
    const char *unwind;
    const char *ring_path; /* NULL: none */
    uint32_t cpu_count;
    uint32_t depth_limit;
    bool is_mmap_recorded;
    uint64_t sample_bytes; /* this and what follows may be QUERY_NULL */
    uint64_t started_unix_ns;
    uint64_t duration_ns;
    uint64_t exit_status;
    uint64_t exit_signal;
    uint64_t allocation_count;
    uint64_t free_count;
    uint64_t allocated_bytes;
    uint64_t failed_count;
    uint64_t peak_bytes;
    uint64_t peak_ns;
    uint64_t leaked_count;
    uint64_t leaked_bytes;
    uint64_t lost_event_count;
    uint64_t unpaired_free_count;
    uint64_t allocation_count_stderr;
    uint64_t allocated_bytes_stderr;
    uint64_t leaked_count_stderr;
    uint64_t leaked_bytes_stderr;
};

struct process_row {
    const char *start_kind;
    const char *executable;
    const char *command;
    const char *allocator;
    const char *allocator_version;
    const char *end_kind; /* NULL: not known */
    uint32_t id;
    uint32_t pid;
    uint32_t parent_id; /* 0: none */
    uint64_t started_ns;
    uint64_t ended_ns; /* may be QUERY_NULL, as these two: */
    uint64_t exit_status;
    uint64_t exit_signal;
    uint64_t allocation_count;
    uint64_t free_count;
    uint64_t allocated_bytes;
    uint64_t failed_count;
    uint64_t peak_count;
    uint64_t peak_bytes;
    uint64_t peak_ns;
    uint64_t leaked_count;
    uint64_t leaked_bytes;
    uint64_t inherited_free_count;
    uint64_t unpaired_free_count;
    uint64_t lost_event_count;
    uint64_t rss_peak_bytes; /* this and what follows may be QUERY_NULL */
    uint64_t allocation_count_stderr;
    uint64_t allocated_bytes_stderr;
    uint64_t leaked_count_stderr;
    uint64_t leaked_bytes_stderr;
    uint64_t fault_count;    /* not in the table: the trace counts them (query_fault.h) */
    bool is_malloc_replaced; /* the program's own malloc was not seen; older recordings: false */
};

struct thread_row {
    const char *name; /* NULL: not known */
    uint32_t id;
    uint32_t process_id;
    uint32_t tid;
    uint64_t started_ns;
    uint64_t ended_ns;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t remote_free_count;
};

struct module_row {
    const char *path;
    const char *build_id; /* NULL: it has none */
    const char *symbols;
    uint32_t id;
    uint64_t process_count; /* processes that it was loaded in */
};

struct environment_row {
    const char *name;
    const char *value;
};

/* A module in the memory of one process. */
struct module_load_row {
    uint32_t process_id;
    uint32_t module_id;
    uint64_t start_address;
    uint64_t end_address; /* exclusive */
    uint64_t load_bias;
};

struct counter_row {
    const char *name;
    uint64_t value; /* summed over processes */
};

typedef int run_sink(void *context, const struct run_row *row);
typedef int process_sink(void *context, const struct process_row *row);
typedef int thread_sink(void *context, const struct thread_row *row);
typedef int module_sink(void *context, const struct module_row *row);
typedef int environment_sink(void *context, const struct environment_row *row);
typedef int module_load_sink(void *context, const struct module_load_row *row);
typedef int counter_sink(void *context, const struct counter_row *row);

/* -EBADMSG also where the one row of `run` is missing. */
int query_run(struct db *db, run_sink *sink, void *context, struct err *err);
int query_processes(struct db *db, process_sink *sink, void *context, struct err *err);
int query_threads(struct db *db, thread_sink *sink, void *context, struct err *err);
int query_modules(struct db *db, module_sink *sink, void *context, struct err *err);
int query_environment(struct db *db, environment_sink *sink, void *context, struct err *err);

/* By process, in the order in which they were met. */
int query_module_loads(struct db *db, module_load_sink *sink, void *context, struct err *err);

/* By name. A process_id of 0: of all processes. */
int query_counters(struct db *db, uint32_t process_id, counter_sink *sink, void *context,
                   struct err *err);

#endif
