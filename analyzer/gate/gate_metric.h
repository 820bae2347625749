/*
 * gate_metric.h - what can be limited: one table, for the options of `gate`, budget files,
 * baselines and every form of output. Counts and bytes only: a time is no basis for a verdict.
 */
#ifndef ALLOCAUDIT_GATE_METRIC_H
#define ALLOCAUDIT_GATE_METRIC_H

#include <stdbool.h>

#include "../model/sites.h"
#include "../model/trace.h"

/* name (as the column is called), key that ranks sites by it (SITE_KEY_COUNT_ALL: it is none of
 * sites), whether it is bytes */
#define GATE_METRICS(X)                                                                            \
    X(ALLOCATION_COUNT, allocation_count, SITE_KEY_COUNT, false)                                   \
    X(ALLOCATED_BYTES, allocated_bytes, SITE_KEY_BYTES, true)                                      \
    X(PEAK_BYTES, peak_bytes, SITE_KEY_PEAK, true)                                                 \
    X(LEAKED_COUNT, leaked_count, SITE_KEY_LEAKED_COUNT, false)                                    \
    X(LEAKED_BYTES, leaked_bytes, SITE_KEY_LEAKED, true)                                           \
    X(TEMPORARY_COUNT, temporary_count, SITE_KEY_TEMPORARY, false)                                 \
    X(REALLOC_COUNT, realloc_count, SITE_KEY_REALLOC, false)                                       \
    X(REALLOC_MOVED_BYTES, realloc_moved_bytes, SITE_KEY_MOVED, true)                              \
    X(FAILED_COUNT, failed_count, SITE_KEY_FAILED, false)                                          \
    X(FAULT_COUNT, fault_count, SITE_KEY_COUNT_ALL, false)

/* Of the run alone, and in no baseline: what is started is not what was allocated. */
#define GATE_RUN_METRICS(X) X(UNRECORDED_COUNT, unrecorded_count, SITE_KEY_COUNT_ALL, false)

/* Known of scopes alone: in no baseline, and not of the run. */
#define GATE_SCOPE_METRICS(X) X(PROCESS_PEAK_BYTES, process_peak_bytes, SITE_KEY_COUNT_ALL, true)

enum gate_metric {
#define X(id, name, key, is_bytes) GATE_METRIC_##id,
    GATE_METRICS(X)
#undef X
    GATE_METRIC_COUNT, /* in baselines */
    GATE_METRIC_LAST_OF_BASELINE = GATE_METRIC_COUNT - 1,
#define X(id, name, key, is_bytes) GATE_METRIC_##id,
    GATE_RUN_METRICS(X)
#undef X
    GATE_METRIC_RUN_COUNT, /* of the run */
    GATE_METRIC_LAST_OF_RUN = GATE_METRIC_RUN_COUNT - 1,
#define X(id, name, key, is_bytes) GATE_METRIC_##id,
    GATE_SCOPE_METRICS(X)
#undef X
    GATE_METRIC_NONE /* how many there are in all */
};

struct gate_metric_row {
    const char *name;
    enum site_key key;
    bool is_bytes;
};

extern const struct gate_metric_row gate_metrics[GATE_METRIC_NONE];

/* Their names, NULL-ended, for suggestions. */
extern const char *const gate_metric_names[GATE_METRIC_NONE + 1];

/* False of those that no site accounts for. */
static inline bool gate_metric_is_of_sites(enum gate_metric metric)
{
    return gate_metrics[metric].key != SITE_KEY_COUNT_ALL;
}

static inline bool gate_metric_is_leak(enum gate_metric metric)
{
    return metric == GATE_METRIC_LEAKED_COUNT || metric == GATE_METRIC_LEAKED_BYTES;
}

/* The bit of its key, or 0. */
static inline unsigned gate_metric_key_bit(enum gate_metric metric)
{
    return gate_metric_is_of_sites(metric) ? SITE_KEY_BIT(gate_metrics[metric].key) : 0;
}

/* The metric of that name, or GATE_METRIC_NONE. */
enum gate_metric gate_metric_find(const char *name);

/* The figure of the run or process: as the recording has it, or else summed over the sites.
 * QUERY_NULL: not known. */
uint64_t gate_metric_total(const struct totals *totals, const struct sites *sites,
                           enum gate_metric metric);

#endif
