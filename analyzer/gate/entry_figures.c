#include "entry_figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fnmatch.h>

#include "../analyses/frames.h"
#include "../analyses/scopes.h"
#include "../model/site_leaks.h"

enum {
    RUN_SCOPES,
    RUN_FRAMES,
    RUN_COUNT,
};

static int check_detail(const struct trace *trace, struct err *err)
{
    if (!trace_is_sample(trace) && strcmp(trace->run.detail, "full") == 0) {
        return 0;
    }
    return err_set(err, ENODATA,
                   "limits of scopes and frames need every allocation: record without %s",
                   trace_is_sample(trace)   ? "--sample"
                   : trace_is_import(trace) ? "import"
                                            : "--detail sites");
}

/* Looks up each stack that left something in a scope. */
static int find_suppressed(const struct entry_request *request, const struct scopes *scopes,
                           struct map *stacks, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < scopes->count; i++) {
        const struct scope_sum *sum = &scopes->sums[i];
        uint32_t last_id = 0;
        for (size_t j = 0; j < sum->leak_count && result == 0; j++) {
            struct call_stack stack = {0};
            uint32_t id = sum->leaks[j].stack_id;
            uint32_t value;
            if (id == last_id || map_get(stacks, id, &value)) {
                continue;
            }
            last_id = id;
            result = stacks_expand(request->stacks, id, &stack, err);
            if (result == 0 && suppressions_match(request->suppressions, &stack) != NULL) {
                result = map_put(stacks, id, 1);
            }
            call_stack_fini(&stack);
        }
    }
    return result == -ENOMEM ? err_set_errno(err, ENOMEM, "cannot judge") : result;
}

static int analyse(const struct entry_request *request, uint32_t process_id,
                   struct entry_figures *figures, struct err *err)
{
    struct analysis_run *runs = figures->processes[figures->count++].runs;
    runs[RUN_SCOPES].analysis = &scopes_analysis;
    runs[RUN_FRAMES].analysis = &frames_analysis;
    runs[RUN_SCOPES].ignored_stacks = request->ignored_stacks;
    runs[RUN_FRAMES].ignored_stacks = request->ignored_stacks;
    int result = analyses_run(request->trace, process_id, runs, RUN_COUNT, NULL, NULL, err);
    return result == 0 && request->suppressions != NULL
               ? find_suppressed(request, runs[RUN_SCOPES].state, &figures->suppressed_stacks, err)
               : result;
}

int entry_figures_make(const struct entry_request *request, struct entry_figures *out_figures,
                       struct err *err)
{
    const struct trace *trace = request->trace;
    struct entry_figures figures = {0};
    int result = check_detail(trace, err);
    if (result < 0) {
        return result;
    }
    figures.processes = calloc(trace->process_count + 1, sizeof(*figures.processes));
    if (figures.processes == NULL) {
        return err_set_errno(err, ENOMEM, "cannot judge");
    }
    for (size_t i = 0; i < trace->process_count && result == 0; i++) {
        uint32_t id = trace->processes[i].id;
        if (request->process_id == 0 || request->process_id == id) {
            result = analyse(request, id, &figures, err);
        }
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

static enum scope_figure scope_figure_of(enum gate_metric metric)
{
    static const enum scope_figure figures[GATE_METRIC_NONE] = {
        [GATE_METRIC_ALLOCATION_COUNT] = SCOPE_ALLOCATION_COUNT,
        [GATE_METRIC_ALLOCATED_BYTES] = SCOPE_ALLOCATED_BYTES,
        [GATE_METRIC_PEAK_BYTES] = SCOPE_PEAK_BYTES,
        [GATE_METRIC_LEAKED_COUNT] = SCOPE_SURVIVOR_COUNT,
        [GATE_METRIC_LEAKED_BYTES] = SCOPE_SURVIVOR_BYTES,
        [GATE_METRIC_TEMPORARY_COUNT] = SCOPE_TEMPORARY_COUNT,
        [GATE_METRIC_PROCESS_PEAK_BYTES] = SCOPE_PROCESS_PEAK_BYTES,
    };
    return figures[metric];
}

/* What one stack has left in one entry: leaks from `begin`, which stand by entry and stack. */
struct left_blocks {
    uint64_t value;
    size_t end;
};

static struct left_blocks sum_left(const struct entry_figures *figures, const struct scope_sum *sum,
                                   size_t begin, const struct budget_limit *limit)
{
    const struct scope_leak *first = &sum->leaks[begin];
    struct left_blocks left = {.end = begin};
    uint32_t is_suppressed = 0;
    (void)map_get(&figures->suppressed_stacks, first->stack_id, &is_suppressed);
    for (; left.end < sum->leak_count; left.end++) {
        const struct scope_leak *leak = &sum->leaks[left.end];
        if (leak->entry != first->entry || leak->stack_id != first->stack_id) {
            break;
        }
        if (!is_suppressed && site_leaks_count(leak->kind, limit->leak_kinds)) {
            left.value += gate_metrics[limit->metric].is_bytes ? leak->size_bytes : 1;
        }
    }
    return left;
}

/* Of the entry with most such leaks: how many, and the stack with most of them. */
static void find_leaks(const struct entry_figures *figures, const struct scope_sum *sum,
                       const struct budget_limit *limit, struct entry_finding *finding)
{
    struct entry_finding worst = {0};
    struct entry_finding entry = {0};
    for (size_t i = 0; i < sum->leak_count;) {
        bool is_next = i == 0 || sum->leaks[i].entry != sum->leaks[i - 1].entry;
        struct left_blocks left = sum_left(figures, sum, i, limit);
        entry = is_next ? (struct entry_finding){0} : entry;
        entry.measured += left.value;
        if (left.value > entry.largest) {
            entry.largest = left.value;
            entry.largest_stack_id = sum->leaks[i].stack_id;
        }
        worst = entry.measured > worst.measured ? entry : worst;
        i = left.end;
    }
    consider(finding, worst.measured, worst.largest_stack_id, worst.largest);
}

static void find_spread(const struct scope_sum *sum, const struct budget_limit *limit,
                        struct entry_finding *finding)
{
    const struct scope_site *site = sum->site_count > 0 ? &sum->sites[0] : NULL;
    const struct spread_figures *figures = &sum->figures[scope_figure_of(limit->metric)];
    consider(finding, statistic_of(figures, limit->statistic), site != NULL ? site->stack_id : 0,
             site == NULL                           ? 0
             : gate_metrics[limit->metric].is_bytes ? site->allocated_bytes
                                                    : site->allocation_count);
}

static void find_scopes(const struct entry_figures *figures, const struct scopes *scopes,
                        const struct budget_limit *limit, struct entry_finding *finding)
{
    for (size_t i = 0; i < scopes->count; i++) {
        const struct scope_sum *sum = &scopes->sums[i];
        if (fnmatch(limit->pattern, sum->name, 0) != 0) {
            continue;
        }
        if (limit->leak_kinds != 0) {
            find_leaks(figures, sum, limit, finding);
        } else {
            find_spread(sum, limit, finding);
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
            find_scopes(figures, runs[RUN_SCOPES].state, limit, out_finding);
        } else {
            find_frames(runs[RUN_FRAMES].state, limit, out_finding);
        }
    }
}

const struct scopes *entry_figures_scopes(const struct entry_figures *figures, size_t place)
{
    return figures->processes[place].runs[RUN_SCOPES].state;
}

void entry_figures_fini(struct entry_figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        analyses_end(figures->processes[i].runs, RUN_COUNT);
    }
    free(figures->processes);
    map_fini(&figures->suppressed_stacks);
    *figures = (struct entry_figures){0};
}
