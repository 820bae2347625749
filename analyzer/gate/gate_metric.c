#include "gate_metric.h"

#include <string.h>

const struct gate_metric_row gate_metrics[GATE_METRIC_NONE] = {
#define X(id, name, key, is_bytes) [GATE_METRIC_##id] = {#name, key, is_bytes},
    GATE_METRICS(X) GATE_RUN_METRICS(X) GATE_SCOPE_METRICS(X)
#undef X
};

const char *const gate_metric_names[GATE_METRIC_NONE + 1] = {
#define X(id, name, key, is_bytes) [GATE_METRIC_##id] = #name,
    GATE_METRICS(X) GATE_RUN_METRICS(X) GATE_SCOPE_METRICS(X)
#undef X
};

enum gate_metric gate_metric_find(const char *name)
{
    unsigned metric = 0;
    while (metric < GATE_METRIC_NONE && strcmp(gate_metrics[metric].name, name) != 0) {
        metric++;
    }
    return (enum gate_metric)metric;
}

uint64_t gate_metric_total(const struct totals *totals, const struct sites *sites,
                           enum gate_metric metric)
{
    switch (metric) {
    case GATE_METRIC_ALLOCATION_COUNT:
        return totals->allocation_count;
    case GATE_METRIC_ALLOCATED_BYTES:
        return totals->allocated_bytes;
    case GATE_METRIC_PEAK_BYTES:
        return totals->peak_bytes;
    case GATE_METRIC_LEAKED_COUNT:
        return totals->leaked_count;
    case GATE_METRIC_LEAKED_BYTES:
        return totals->leaked_bytes;
    case GATE_METRIC_FAILED_COUNT:
        return totals->failed_count;
    case GATE_METRIC_FAULT_COUNT:
        return totals->fault_count;
    case GATE_METRIC_UNRECORDED_COUNT:
        return totals->unrecorded_count;
    default:
        return sites_total(sites, gate_metrics[metric].key);
    }
}
