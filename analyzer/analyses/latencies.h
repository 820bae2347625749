/*
 * latencies.h - how long calls to the allocator take, and their share of the CPU time.
 *
 * From the calls that were timed, which are a sample (docs/architecture.md, "Time"). What reading
 * the clock adds is taken off; but a processor reads it out of order, beside the call, so that it
 * may have added less: sums are told without it and with it, and the truth lies between. A
 * percentile is worked out where at least LATENCY_BEYOND timed calls lie beyond it. Single thread.
 */
#ifndef ALLOCAUDIT_LATENCIES_H
#define ALLOCAUDIT_LATENCIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/query_latency.h"

#define LATENCY_UNKNOWN UINT64_MAX

enum {
    LATENCY_KIND_BYTES = 24,
    LATENCY_BEYOND = 10,
};

/* Of timed calls. */
struct latency_spread {
    uint64_t timed_count;
    uint64_t p50_ns; /* this and the next two: LATENCY_UNKNOWN where the calls are too few */
    uint64_t p99_ns;
    uint64_t p999_ns;
    uint64_t max_ns; /* of the timed calls; there may be longer ones */
};

struct kind_latency {
    char kind[LATENCY_KIND_BYTES];
    uint64_t call_count;
    double mean_ns;        /* of those up to 1 ms; not a number: no call was timed */
    double time_ns;        /* mean_ns for every call: an estimate */
    double time_stderr_ns; /* its standard error, by how the timed calls scatter */
    struct latency_spread spread;
};

struct latencies {
    struct kind_latency *kinds; /* most time first */
    size_t kind_count;
    size_t kind_capacity;
    double time_ns; /* in the allocator, estimated, over all kinds */
    double time_stderr_ns;
    uint64_t call_count;
    uint64_t timed_count;
    uint64_t long_count; /* timed calls that took more than 1 ms: they have probably lost their
                            processor, stand for no others, and are in none of the sums */
    uint64_t long_sum_ns;
    struct cpu_time cpu;
    double known_time_ns; /* as time_ns, of processes whose CPU time is known */
    uint64_t known_call_count;
    uint64_t clock_cost_ns;
};

/*
 * Of a process, or of all for 0. is_sample: a timed call stands for many that were not recorded, so
 * that the calls beyond a percentile cannot be counted: only the median is known.
 */
int latencies_load(struct db *db, uint32_t process_id, bool is_sample,
                   struct latencies *out_latencies, struct err *err);
void latencies_fini(struct latencies *latencies);

/* The most that all calls can have taken: with what reading the clock may have added. 0: no call
 * was timed. */
double latencies_most_ns(const struct latencies *latencies);

/* Of the calls for blocks of one site; percentiles are within 12 % (schema/README.md). */
int latencies_of_site(const struct latencies *latencies, struct db *db, uint32_t process_id,
                      bool is_sample, uint32_t stack_id, struct latency_spread *out_spread,
                      struct err *err);

#endif
