/*
 * query_gc.h - the garbage collections of a Go program, and how it was recorded. Recordings made
 * before there were these tables have none. Single thread.
 */
#ifndef ALLOCAUDIT_QUERY_GC_H
#define ALLOCAUDIT_QUERY_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "open.h"

/* A row of `gc`: fields as its columns. */
struct gc_row {
    uint64_t cycle;
    uint64_t at_ns;
    uint64_t since_start_ns;
    uint64_t sweep_stop_ns;
    uint64_t mark_ns;
    uint64_t mark_stop_ns;
    uint64_t sweep_stop_cpu_ns;
    uint64_t assist_cpu_ns;
    uint64_t background_cpu_ns;
    uint64_t idle_cpu_ns;
    uint64_t mark_stop_cpu_ns;
    uint64_t heap_start_bytes;
    uint64_t heap_end_bytes;
    uint64_t heap_live_bytes;
    uint64_t heap_goal_bytes;
    uint64_t root_bytes; /* stacks and globals; 0: not told */
    uint64_t processor_count;
    bool is_forced;
};

/* The rows of `scavenge` of a process. */
struct scavenge_sums {
    uint64_t scavenge_count; /* 0: what follows is not known */
    uint64_t forced_count;
    uint64_t released_bytes; /* all of them, eager ones included */
    uint64_t forced_bytes;   /* of that */
    uint64_t returned_bytes; /* after the last */
    uint64_t in_use_pct;
};

/* A row of `go_runtime`. Texts live as long as the row is handed out. */
struct go_runtime_row {
    uint32_t process_id;
    const char *go_version;
    const char *site_source;
    const char *site_reason;     /* NULL: no better source is known */
    uint64_t profile_rate_bytes; /* QUERY_NULL: not known */
    uint64_t profile_read_ns;    /* QUERY_NULL: never read */
    const char *gc_source;
    const char *gc_reason;
    uint64_t unread_line_count;
    uint64_t foreign_line_count;
    uint64_t lost_line_count;
    uint64_t damaged_object_count;
};

typedef int go_runtime_sink(void *context, const struct go_runtime_row *row);

/* The collections of a process in their order. Returns 0 and *out_rows is the caller's, to be
 * freed; or a negative errno, told in err. */
int query_gc(struct db *db, uint32_t process_id, struct gc_row **out_rows, size_t *out_count,
             struct err *err);

/* Returns 0 or a negative errno, told in err. */
int query_scavenges(struct db *db, uint32_t process_id, struct scavenge_sums *out_sums,
                    struct err *err);

/* Hands over the row of each Go program. Returns 0 or a negative errno. */
int query_go_runtime(struct db *db, go_runtime_sink *sink, void *context, struct err *err);

#endif
