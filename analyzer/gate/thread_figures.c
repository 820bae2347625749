#include "thread_figures.h"

#include <errno.h>
#include <stdlib.h>

#include <fnmatch.h>

#include "../base/vec.h"

struct thread_loading {
    struct thread_figures *figures;
    const struct trace *trace;
};

static bool needs(const struct budget *budget, bool is_leak)
{
    for (size_t i = 0; i < budget->count; i++) {
        enum gate_metric metric = budget->limits[i].metric;
        if (budget->limits[i].subject == BUDGET_THREAD &&
            (is_leak ? gate_metric_is_leak(metric) : metric == GATE_METRIC_TEMPORARY_COUNT)) {
            return true;
        }
    }
    return false;
}

static int take_leak(void *context, const struct thread_leak_row *row)
{
    struct thread_figures *figures = ((const struct thread_loading *)context)->figures;
    if (vec_reserve((void **)&figures->leaks, &figures->leak_capacity, figures->leak_count + 1,
                    sizeof(*figures->leaks)) < 0) {
        return -ENOMEM;
    }
    figures->leaks[figures->leak_count++] = *row;
    return 0;
}

static int take_temporary(void *context, uint32_t thread_id, uint64_t temporary_count)
{
    const struct thread_loading *loading = context;
    const struct thread_row *thread = trace_thread(loading->trace, thread_id);
    if (thread != NULL) {
        loading->figures->temporary_counts[thread - loading->trace->threads] = temporary_count;
    }
    return 0;
}

static int drop_suppressed(struct thread_figures *figures, struct stacks *stacks,
                           const struct suppressions *suppressions, struct err *err)
{
    size_t kept = 0;
    int result = 0;
    for (size_t i = 0; i < figures->leak_count && result == 0; i++) {
        struct call_stack stack = {0};
        result = stacks_expand(stacks, figures->leaks[i].stack_id, &stack, err);
        if (result == 0 && suppressions_match(suppressions, &stack) == NULL) {
            figures->leaks[kept++] = figures->leaks[i];
        }
        call_stack_fini(&stack);
    }
    figures->leak_count = kept;
    return result;
}

int thread_figures_load(struct thread_figures *figures, const struct trace *trace,
                        struct stacks *stacks, const struct budget *budget, struct err *err)
{
    struct thread_loading loading = {figures, trace};
    int result = 0;
    if (needs(budget, true)) {
        result = query_thread_leaks(trace->db, take_leak, &loading, err);
        if (result == 0 && budget->leaks.suppressions != NULL) {
            result = drop_suppressed(figures, stacks, budget->leaks.suppressions, err);
        }
    }
    if (result == 0 && needs(budget, false)) {
        figures->temporary_counts = calloc(trace->thread_count + 1, sizeof(uint64_t));
        result = figures->temporary_counts != NULL
                     ? query_thread_temporaries(trace->db, take_temporary, &loading, err)
                     : err_set_errno(err, ENOMEM, "cannot judge");
    }
    return result;
}

static bool is_counted(enum leak_kind kind, unsigned leak_kinds)
{
    return kind == LEAK_UNKNOWN || leak_kinds == 0 || (leak_kinds & LEAK_BIT(kind)) != 0;
}

static void add_leaks(const struct thread_figures *figures, uint32_t thread_id, bool is_bytes,
                      unsigned leak_kinds, struct thread_finding *finding)
{
    for (size_t i = 0; i < figures->leak_count; i++) {
        const struct thread_leak_row *row = &figures->leaks[i];
        uint64_t value = is_bytes ? row->leaked_bytes : row->leaked_count;
        if (row->thread_id != thread_id || !is_counted(row->kind, leak_kinds)) {
            continue;
        }
        finding->measured += value;
        if (value > finding->largest) {
            finding->largest = value;
            finding->largest_stack_id = row->stack_id;
        }
    }
}

void thread_figures_find(const struct thread_figures *figures, const struct trace *trace,
                         uint32_t process_id, const struct budget_limit *limit, unsigned leak_kinds,
                         struct thread_finding *out_finding)
{
    *out_finding = (struct thread_finding){0};
    for (size_t i = 0; i < trace->thread_count; i++) {
        const struct thread_row *thread = &trace->threads[i];
        bool is_in = process_id == 0 || thread->process_id == process_id;
        const char *name = thread->name != NULL ? thread->name : "";
        if (!is_in || fnmatch(limit->pattern, name, 0) != 0) {
            continue;
        }
        out_finding->matched_count++;
        switch (limit->metric) {
        case GATE_METRIC_ALLOCATION_COUNT:
            out_finding->measured += thread->allocation_count;
            break;
        case GATE_METRIC_ALLOCATED_BYTES:
            out_finding->measured += thread->allocated_bytes;
            break;
        case GATE_METRIC_TEMPORARY_COUNT:
            out_finding->measured += figures->temporary_counts[i];
            break;
        default:
            add_leaks(figures, thread->id, gate_metrics[limit->metric].is_bytes, leak_kinds,
                      out_finding);
            break;
        }
    }
}

void thread_figures_fini(struct thread_figures *figures)
{
    free(figures->temporary_counts);
    free(figures->leaks);
    *figures = (struct thread_figures){0};
}
