/*
 * gc_history.h - the garbage collections of a Go program, summed up. Single thread.
 */
#ifndef ALLOCAUDIT_GC_HISTORY_H
#define ALLOCAUDIT_GC_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_gc.h"

#define GC_PERIOD_NS UINT64_C(120000000000) /* Go collects when it has not for so long */

struct gc_history {
    struct gc_row *rows; /* by cycle */
    size_t count;
    size_t forced_count;
    size_t periodic_count; /* begun because two minutes had gone by */
    uint64_t stop_p50_ns;  /* of all stops of the world: two in each collection */
    uint64_t stop_p99_ns;
    uint64_t stop_max_ns;
    uint64_t stop_sum_ns;
    uint64_t cpu_ns;        /* of all collections, without idle time given to them */
    uint64_t assist_cpu_ns; /* of that, by goroutines that wanted to allocate */
    uint64_t forced_cpu_ns; /* of that, in forced collections */
    uint64_t idle_cpu_ns;
    uint64_t heap_peak_bytes; /* largest at the end of marking */
    uint64_t heap_mean_bytes; /* at the end of marking, on the average of all collections */
    uint64_t live_peak_bytes;
    uint64_t allocated_bytes; /* what the heap grew by between collections, all in all */
    uint64_t processor_count; /* of the last collection */
};

/* Loads and sums up. Returns 0 and it is to be ended with gc_history_fini(); count may be 0. */
int gc_history_load(struct db *db, uint32_t process_id, struct gc_history *out_history,
                    struct err *err);

/* The same for rows that are there: takes them over. Returns 0 or -ENOMEM. */
int gc_history_make(struct gc_row *rows, size_t count, struct gc_history *out_history);

/* True if that one came because two minutes had gone by without any. */
bool gc_history_is_periodic(const struct gc_history *history, size_t index);

/* CPU time of one collection, without idle time. */
uint64_t gc_row_cpu_ns(const struct gc_row *row);

/* A zeroed one is fine. */
void gc_history_fini(struct gc_history *history);

#endif
