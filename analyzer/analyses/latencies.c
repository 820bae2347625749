#include "latencies.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/histogram.h"
#include "../base/vec.h"
#include "../db/query_run.h"

enum {
    LONG_NS = 1000000, /* of the column long_count */
};

struct loading {
    struct latencies *latencies;
    struct histogram *histogram; /* of the kind at `kind` */
    size_t kind;
    bool is_sample;
};

static uint64_t without_clock(const struct latencies *latencies, uint64_t time_ns)
{
    return time_ns > latencies->clock_cost_ns ? time_ns - latencies->clock_cost_ns : 0;
}

static double mean_of(const struct latencies *latencies, const struct call_latency_row *row)
{
    uint64_t count = row->timed_count - row->long_count;
    double mean_ns = (double)(row->time_sum_ns - row->long_sum_ns) / (double)count;
    return count == 0 ? NAN : fmax(0, mean_ns - (double)latencies->clock_cost_ns);
}

static uint64_t percentile(const struct latencies *latencies, const struct histogram *histogram,
                           double share, bool is_sample)
{
    bool is_known = (double)histogram->count * (1 - share) >= LATENCY_BEYOND - 1e-6;
    if (!is_known || (is_sample && share > 0.5)) {
        return LATENCY_UNKNOWN;
    }
    return without_clock(latencies, histogram_quantile(histogram, share));
}

static struct latency_spread spread_of(const struct latencies *latencies,
                                       const struct histogram *histogram, bool is_sample)
{
    return (struct latency_spread){
        .timed_count = histogram->count,
        .p50_ns = percentile(latencies, histogram, 0.5, is_sample),
        .p99_ns = percentile(latencies, histogram, 0.99, is_sample),
        .p999_ns = percentile(latencies, histogram, 0.999, is_sample),
        .max_ns = without_clock(latencies, histogram->max),
    };
}

static int take_kind(void *context, const struct call_latency_row *row)
{
    struct latencies *latencies = ((struct loading *)context)->latencies;
    int result = vec_reserve((void **)&latencies->kinds, &latencies->kind_capacity,
                             latencies->kind_count + 1, sizeof(*latencies->kinds));
    if (result < 0) {
        return result;
    }
    struct kind_latency *kind = &latencies->kinds[latencies->kind_count++];
    *kind = (struct kind_latency){
        .call_count = row->call_count,
        .mean_ns = mean_of(latencies, row),
        .spread = {.timed_count = row->timed_count,
                   .p50_ns = LATENCY_UNKNOWN,
                   .p99_ns = LATENCY_UNKNOWN,
                   .p999_ns = LATENCY_UNKNOWN,
                   .max_ns = without_clock(latencies, row->time_max_ns)},
    };
    (void)snprintf(kind->kind, sizeof(kind->kind), "%s", row->kind);
    kind->time_ns = isnan(kind->mean_ns) ? 0 : kind->mean_ns * (double)row->call_count;
    latencies->time_ns += kind->time_ns;
    latencies->call_count += row->call_count;
    latencies->timed_count += row->timed_count;
    latencies->long_count += row->long_count;
    latencies->long_sum_ns += row->long_sum_ns;
    return 0;
}

static int take_known_time(void *context, const struct call_latency_row *row)
{
    struct latencies *latencies = ((struct loading *)context)->latencies;
    if (row->timed_count > row->long_count) {
        latencies->known_time_ns += mean_of(latencies, row) * (double)row->call_count;
        latencies->known_call_count += row->call_count;
    }
    return 0;
}

/* Of mean_ns for every call, if the timed ones were drawn at random. */
static double stderr_of(const struct kind_latency *kind, const struct histogram *histogram,
                        uint64_t clock_cost_ns)
{
    double squares = 0;
    for (unsigned i = 0; i < histogram_class(LONG_NS); i++) {
        double distance = (double)histogram_class_min(i) - (double)clock_cost_ns - kind->mean_ns;
        squares += (double)histogram->counts[i] * distance * distance;
    }
    return sqrt(squares) / (double)histogram->count * (double)kind->call_count;
}

/* The histogram holds all classes of a kind: its percentiles. */
static void close_kind(struct loading *loading)
{
    struct latencies *latencies = loading->latencies;
    if (loading->kind < latencies->kind_count && loading->histogram->count > 0) {
        struct kind_latency *kind = &latencies->kinds[loading->kind];
        struct latency_spread *spread = &kind->spread;
        uint64_t max_ns = spread->max_ns;
        kind->time_stderr_ns = stderr_of(kind, loading->histogram, latencies->clock_cost_ns);
        latencies->time_stderr_ns = hypot(latencies->time_stderr_ns, kind->time_stderr_ns);
        loading->histogram->max = max_ns + latencies->clock_cost_ns; /* of classes it is rounded */
        *spread = spread_of(latencies, loading->histogram, loading->is_sample);
    }
    memset(loading->histogram, 0, sizeof(*loading->histogram));
}

/* Kinds and classes come in the same order. */
static int take_class(void *context, const struct latency_class_row *row)
{
    struct loading *loading = context;
    struct latencies *latencies = loading->latencies;
    while (loading->kind < latencies->kind_count &&
           strcmp(latencies->kinds[loading->kind].kind, row->kind) != 0) {
        close_kind(loading);
        loading->kind++;
    }
    histogram_add_many(loading->histogram, row->time_min_ns, row->call_count);
    return 0;
}

static int compare_kinds(const void *left, const void *right)
{
    const struct kind_latency *a = left;
    const struct kind_latency *b = right;
    if (a->time_ns != b->time_ns) {
        return a->time_ns > b->time_ns ? -1 : 1;
    }
    return strcmp(a->kind, b->kind);
}

int latencies_load(struct db *db, uint32_t process_id, bool is_sample,
                   struct latencies *out_latencies, struct err *err)
{
    struct latencies latencies = {0};
    struct loading loading = {
        .latencies = &latencies,
        .histogram = calloc(1, sizeof(struct histogram)),
        .is_sample = is_sample,
    };
    int result = loading.histogram == NULL ? err_set_errno(err, ENOMEM, "cannot read times") : 0;
    if (result == 0) {
        result = query_cpu_time(db, process_id, &latencies.cpu, err);
    }
    if (result == 0) {
        uint64_t cost_ns = latencies.cpu.clock_cost_ns;
        latencies.clock_cost_ns = cost_ns == QUERY_NULL ? 0 : cost_ns;
        result = query_call_latencies(db, process_id, false, take_kind, &loading, err);
    }
    if (result == 0) {
        result = query_call_latencies(db, process_id, true, take_known_time, &loading, err);
    }
    if (result == 0) {
        result = query_latency_classes(db, process_id, take_class, &loading, err);
    }
    if (result < 0) {
        free(loading.histogram);
        latencies_fini(&latencies);
        return result;
    }
    close_kind(&loading);
    free(loading.histogram);
    if (latencies.kind_count > 0) {
        qsort(latencies.kinds, latencies.kind_count, sizeof(*latencies.kinds), compare_kinds);
    }
    *out_latencies = latencies;
    return 0;
}

double latencies_most_ns(const struct latencies *latencies)
{
    double clock_ns = (double)latencies->clock_cost_ns * (double)latencies->call_count;
    return latencies->timed_count > 0 && !isnan(latencies->time_ns) ? latencies->time_ns + clock_ns
                                                                    : 0;
}

void latencies_fini(struct latencies *latencies)
{
    free(latencies->kinds);
    *latencies = (struct latencies){0};
}

/* A class of a site is wide: its middle stands for it, but no more than its largest. */
static int take_site_class(void *context, const struct site_latency_row *row)
{
    struct histogram *histogram = context;
    uint64_t min_ns = row->time_min_ns;
    uint64_t middle_ns = min_ns < HISTOGRAM_LINEAR ? min_ns + 4 : min_ns + min_ns / 8;
    uint64_t max_ns = row->time_max_ns;
    histogram_add_many(histogram, middle_ns < max_ns ? middle_ns : max_ns, row->call_count);
    histogram->max = max_ns > histogram->max ? max_ns : histogram->max;
    return 0;
}

int latencies_of_site(const struct latencies *latencies, struct db *db, uint32_t process_id,
                      bool is_sample, uint32_t stack_id, struct latency_spread *out_spread,
                      struct err *err)
{
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    if (histogram == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read times");
    }
    int result = query_site_latencies(db, process_id, stack_id, take_site_class, histogram, err);
    if (result == 0) {
        *out_spread = spread_of(latencies, histogram, is_sample);
    }
    free(histogram);
    return result;
}
