#include "entry_figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fnmatch.h>

#include "../analyses/frames.h"
#include "../analyses/scopes.h"

enum {
    RUN_SCOPES,
    RUN_FRAMES,
    RUN_COUNT,
};

int entry_figures_make(const struct trace *trace, uint32_t process_id,
                       struct entry_figures *out_figures, struct err *err)
{
    struct entry_figures figures = {0};
    int result = 0;
    if (trace_is_sample(trace) || strcmp(trace->run.detail, "full") != 0) {
        return err_set(err, ENODATA,
                       "limits of scopes and frames need every allocation: record without %s",
                       trace_is_sample(trace)   ? "--sample"
                       : trace_is_import(trace) ? "import"
                                                : "--detail sites");
    }
    figures.processes = calloc(trace->process_count + 1, sizeof(*figures.processes));
    if (figures.processes == NULL) {
        return err_set_errno(err, ENOMEM, "cannot judge");
    }
    for (size_t i = 0; i < trace->process_count && result == 0; i++) {
        uint32_t id = trace->processes[i].id;
        if (process_id != 0 && process_id != id) {
            continue;
        }
        struct entry_process *process = &figures.processes[figures.count++];
        process->runs[RUN_SCOPES].analysis = &scopes_analysis;
        process->runs[RUN_FRAMES].analysis = &frames_analysis;
        result = analyses_run(trace, id, process->runs, RUN_COUNT, NULL, NULL, err);
    }
    if (result < 0) {
        entry_figures_fini(&figures);
        return result;
    }
    *out_figures = figures;
    return 0;
}

static uint64_t statistic_of(const struct spread_figures *figures, enum budget_statistic statistic)
{
    switch (statistic) {
    case BUDGET_P50:
        return figures->p50;
    case BUDGET_P99:
        return figures->p99;
    default:
        return figures->max;
    }
}

/* Takes a scope or series in; site_count 0: no site is known. */
static void consider(struct entry_finding *finding, uint64_t measured, uint32_t stack_id,
                     uint64_t largest)
{
    finding->matched_count++;
    if (measured >= finding->measured && (measured > 0 || finding->largest_stack_id == 0)) {
        finding->measured = measured;
        finding->largest_stack_id = stack_id;
        finding->largest = largest;
    }
}

static const struct spread_figures *scope_figures(const struct scope_sum *sum,
                                                  enum gate_metric metric)
{
    switch (metric) {
    case GATE_METRIC_ALLOCATED_BYTES:
        return &sum->bytes;
    case GATE_METRIC_PEAK_BYTES:
        return &sum->peaks;
    case GATE_METRIC_LEAKED_COUNT:
        return &sum->survivors;
    case GATE_METRIC_TEMPORARY_COUNT:
        return &sum->temporaries;
    default:
        return &sum->allocations;
    }
}

static void find_scopes(const struct scopes *scopes, const struct budget_limit *limit,
                        struct entry_finding *finding)
{
    bool is_bytes = gate_metrics[limit->metric].is_bytes;
    for (size_t i = 0; i < scopes->count; i++) {
        const struct scope_sum *sum = &scopes->sums[i];
        if (fnmatch(limit->pattern, sum->name, 0) == 0) {
            const struct scope_site *site = sum->site_count > 0 ? &sum->sites[0] : NULL;
            consider(finding, statistic_of(scope_figures(sum, limit->metric), limit->statistic),
                     site != NULL ? site->stack_id : 0,
                     site == NULL ? 0
                     : is_bytes   ? site->allocated_bytes
                                  : site->allocation_count);
        }
    }
}

static enum frame_figure frame_figure_of(enum gate_metric metric)
{
    switch (metric) {
    case GATE_METRIC_ALLOCATED_BYTES:
        return FRAME_ALLOCATED_BYTES;
    case GATE_METRIC_PEAK_BYTES:
        return FRAME_PEAK_BYTES;
    case GATE_METRIC_LEAKED_COUNT:
        return FRAME_SURVIVOR_COUNT;
    case GATE_METRIC_TEMPORARY_COUNT:
        return FRAME_TEMPORARY_COUNT;
    default:
        return FRAME_ALLOCATION_COUNT;
    }
}

static void find_frames(const struct frames *frames, const struct budget_limit *limit,
                        struct entry_finding *finding)
{
    bool is_bytes = gate_metrics[limit->metric].is_bytes;
    for (size_t i = 0; i < frames->series_count; i++) {
        const struct frame_series *series = &frames->series[i];
        const struct frame_site *site =
            series->site_count > 0 && series->sites[0].allocation_count > 0 ? &series->sites[0]
                                                                            : NULL;
        consider(finding,
                 statistic_of(&series->figures[frame_figure_of(limit->metric)], limit->statistic),
                 site != NULL ? site->stack_id : 0,
                 site == NULL ? 0
                 : is_bytes   ? site->allocated_bytes
                              : site->allocation_count);
    }
}

void entry_figures_find(const struct entry_figures *figures, const struct budget_limit *limit,
                        struct entry_finding *out_finding)
{
    *out_finding = (struct entry_finding){0};
    for (size_t i = 0; i < figures->count; i++) {
        const struct analysis_run *runs = figures->processes[i].runs;
        if (limit->subject == BUDGET_SCOPE) {
            find_scopes(runs[RUN_SCOPES].state, limit, out_finding);
        } else {
            find_frames(runs[RUN_FRAMES].state, limit, out_finding);
        }
    }
}

void entry_figures_fini(struct entry_figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        analyses_end(figures->processes[i].runs, RUN_COUNT);
    }
    free(figures->processes);
    *figures = (struct entry_figures){0};
}
