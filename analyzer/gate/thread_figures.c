#include "thread_figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fnmatch.h>

#include "../base/vec.h"

struct thread_loading {
    struct thread_figures *figures;
    const struct trace *trace;
    const struct map *ignored_stacks;
};

static bool is_ignored(const struct thread_loading *loading, uint32_t stack_id)
{
    uint32_t value;
    return map_get(loading->ignored_stacks, stack_id, &value);
}

static bool is_amount(enum gate_metric metric)
{
    return metric == GATE_METRIC_ALLOCATION_COUNT || metric == GATE_METRIC_ALLOCATED_BYTES;
}

static bool is_temporary(enum gate_metric metric)
{
    return metric == GATE_METRIC_TEMPORARY_COUNT;
}

/* Whether some figure of threads is limited. */
static bool needs(const struct budget *budget, bool (*is_one)(enum gate_metric metric))
{
    for (size_t i = 0; i < budget->count; i++) {
        if (budget->limits[i].subject == BUDGET_THREAD && is_one(budget->limits[i].metric)) {
            return true;
        }
    }
    return false;
}

static int take_leak(void *context, const struct thread_leak_row *row)
{
    const struct thread_loading *loading = context;
    struct thread_figures *figures = loading->figures;
    if (is_ignored(loading, row->stack_id)) {
        return 0;
    }
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

static int take_ignored_site(void *context, const struct thread_site_row *row)
{
    const struct thread_loading *loading = context;
    const struct thread_row *thread = trace_thread(loading->trace, row->thread_id);
    if (thread != NULL && is_ignored(loading, row->stack_id)) {
        struct thread_site_row *sum = &loading->figures->ignored[thread - loading->trace->threads];
        sum->allocation_count += row->allocation_count;
        sum->allocated_bytes += row->allocated_bytes;
    }
    return 0;
}

static int load_ignored(struct thread_loading *loading, struct err *err)
{
    const struct trace *trace = loading->trace;
    if (strcmp(trace->run.detail, "full") != 0) {
        return err_set(err, ENODATA,
                       "what threads allocate without that which is ignored needs every "
                       "allocation: record without --detail sites");
    }
    loading->figures->ignored = calloc(trace->thread_count + 1, sizeof(struct thread_site_row));
    return loading->figures->ignored != NULL
               ? query_thread_sites(trace->db, take_ignored_site, loading, err)
               : err_set_errno(err, ENOMEM, "cannot judge");
}

int thread_figures_load(struct thread_figures *figures, const struct trace *trace,
                        struct stacks *stacks, const struct budget *budget,
                        const struct map *ignored_stacks, struct err *err)
{
    struct thread_loading loading = {figures, trace, ignored_stacks};
    int result = 0;
    if (needs(budget, gate_metric_is_leak)) {
        result = query_thread_leaks(trace->db, take_leak, &loading, err);
        if (result == 0 && budget->leaks.suppressions != NULL) {
            result = drop_suppressed(figures, stacks, budget->leaks.suppressions, err);
        }
    }
    if (result == 0 && budget_ignores(budget) && needs(budget, is_amount)) {
        result = load_ignored(&loading, err);
    }
    if (result == 0 && needs(budget, is_temporary)) {
        figures->temporary_counts = calloc(trace->thread_count + 1, sizeof(uint64_t));
        result = figures->temporary_counts != NULL
                     ? query_thread_temporaries(trace->db, take_temporary, &loading, err)
                     : err_set_errno(err, ENOMEM, "cannot judge");
    }
    return result;
}

static void add_leaks(const struct thread_figures *figures, uint32_t thread_id, bool is_bytes,
                      unsigned leak_kinds, struct thread_finding *finding)
{
    for (size_t i = 0; i < figures->leak_count; i++) {
        const struct thread_leak_row *row = &figures->leaks[i];
        uint64_t value = is_bytes ? row->leaked_bytes : row->leaked_count;
        if (row->thread_id != thread_id || !site_leaks_count(row->kind, leak_kinds)) {
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
        static const struct thread_site_row nothing;
        const struct thread_site_row *ignored =
            figures->ignored != NULL ? &figures->ignored[i] : &nothing;
        out_finding->matched_count++;
        switch (limit->metric) {
        case GATE_METRIC_ALLOCATION_COUNT:
            out_finding->measured += thread->allocation_count - ignored->allocation_count;
            break;
        case GATE_METRIC_ALLOCATED_BYTES:
            out_finding->measured += thread->allocated_bytes - ignored->allocated_bytes;
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
    free(figures->ignored);
    free(figures->leaks);
    *figures = (struct thread_figures){0};
}
