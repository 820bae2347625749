/*
 * trace.h - what is known of a recording as a whole: the run, its processes, threads and
 * modules.
 *
 * Everything is read when it is opened (these tables are small) and lives, with all texts, until
 * trace_close(). Single thread.
 */
#ifndef ALLOCAUDIT_TRACE_H
#define ALLOCAUDIT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_run.h"
#include "../db/query_unrecorded.h"

struct trace {
    struct db *db;
    struct run_row run;
    struct process_row *processes; /* by id */
    size_t process_count;
    struct thread_row *threads; /* by id */
    size_t thread_count;
    struct module_row *modules; /* by id */
    size_t module_count;
    struct environment_row *variables; /* by name */
    size_t variable_count;
    struct unrecorded_row *unrecorded; /* by time: what is not in the recording */
    size_t unrecorded_count;
    bool has_go_sites;
    bool is_go; /* a Go program: it frees what nobody refers to, so what is live is no leak */
};

/* Figures of all processes or of one. Any may be QUERY_NULL: not known. */
struct totals {
    uint64_t duration_ns;
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
    uint64_t inherited_free_count;
    uint64_t fault_count;      /* errors of the program */
    uint64_t unrecorded_count; /* processes that it started and that are not in the recording */
    uint64_t rss_peak_bytes;   /* of several processes: the largest single one */
    uint64_t allocation_count_stderr;
    uint64_t allocated_bytes_stderr;
    uint64_t leaked_count_stderr;
    uint64_t leaked_bytes_stderr;
};

/* Opens and reads `path`. Returns 0 and *out_trace is the caller's, or the negative errno of
 * db_open() or of a failed read. */
int trace_open(const char *path, struct trace **out_trace, struct err *err);

/* NULL is fine. */
void trace_close(struct trace *trace);

/* False while it is being recorded and after the collector was stopped: figures may be missing. */
bool trace_is_complete(const struct trace *trace);

/* True if only a sample was recorded: figures are estimates, and some are not known. */
bool trace_is_sample(const struct trace *trace);

/* True if it was imported from another profiler's file: without blocks, calls and their times.
 */
bool trace_is_import(const struct trace *trace);

/* Empty tables would look like a clean program: returns -ENODATA, with why it may be so in err,
 * where no process was recorded; else 0. */
int trace_check_content(const struct trace *trace, struct err *err);

/*
 * Of the process, or of all for a process_id of 0: then what the run itself does not hold is summed
 * over its processes where a sum means something (a peak of several does not).
 */
void trace_totals(const struct trace *trace, uint32_t process_id, struct totals *out_totals);

/* The process or thread with that id, or NULL. */
const struct process_row *trace_process(const struct trace *trace, uint32_t process_id);
const struct thread_row *trace_thread(const struct trace *trace, uint32_t thread_id);

/* The process with the highest peak (the first of them), or NULL if there is none. */
const struct process_row *trace_largest_process(const struct trace *trace);

#endif
