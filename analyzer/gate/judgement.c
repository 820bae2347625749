#include "judgement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fnmatch.h>

#include "../base/str.h"
#include "entry_figures.h"
#include "judged_sites.h"
#include "nearest_name.h"
#include "thread_figures.h"

struct judge {
    struct judged_sources sources;
    struct judged_sites *sites;   /* of the whole selection */
    struct entry_figures entries; /* empty: no limit needs them */
    struct thread_figures threads;
};

static bool has_limit_of(const struct budget *budget, enum budget_subject subject)
{
    bool has = false;
    for (size_t i = 0; i < budget->count; i++) {
        has = has || budget->limits[i].subject == subject;
    }
    return has;
}

static int begin(struct judge *judge, struct err *err)
{
    const struct judged_sources *sources = &judge->sources;
    uint32_t process_id = sources->selection->process_id;
    int result = judged_sites_reach(&judge->sources, process_id, 0, &judge->sites, err);
    if (result == 0 && (has_limit_of(sources->budget, BUDGET_SCOPE) ||
                        has_limit_of(sources->budget, BUDGET_FRAME))) {
        const struct entry_request request = {
            .trace = sources->trace,
            .process_id = process_id,
            .stacks = sources->stacks,
            .suppressions = sources->budget->leaks.suppressions,
            .ignored_stacks = budget_ignores(sources->budget) ? &sources->ignored_stacks : NULL,
        };
        result = entry_figures_make(&request, &judge->entries, err);
    }
    if (result == 0 && has_limit_of(sources->budget, BUDGET_THREAD)) {
        result = thread_figures_load(&judge->threads, sources->trace, sources->stacks,
                                     sources->budget, &sources->ignored_stacks, err);
    }
    return result;
}

static void sum_sites(const struct judged_sites *sites, struct finding *finding)
{
    enum site_key key = gate_metrics[finding->limit->metric].key;
    bool is_of_sites = gate_metric_is_of_sites(finding->limit->metric);
    finding->is_ignored_known = sites->is_ignored != NULL && is_of_sites;
    for (size_t i = 0; i < sites_count(sites->sites) && is_of_sites; i++) {
        if (!sites->is_meant[i]) {
            continue;
        }
        uint64_t value = sites_value(sites->sites, i, key);
        if (sites->is_ignored != NULL && sites->is_ignored[i]) {
            finding->ignored += value;
            continue;
        }
        finding->matched_count++;
        finding->site_sum += value;
        if (value > finding->largest) {
            finding->largest = value;
            finding->largest_stack_id = sites_stack_id(sites->sites, i);
        }
    }
}

/* The whole of what the sites are of: a process, or the selection. */
static int measure_all(const struct judge *judge, const struct judged_sites *sites,
                       struct finding *finding, struct err *err)
{
    enum gate_metric metric = finding->limit->metric;
    memset(sites->is_meant, true, sites_count(sites->sites));
    sum_sites(sites, finding);
    if ((sites->is_ignored != NULL && gate_metric_is_of_sites(metric)) ||
        (sites->leak_kinds != 0 && gate_metric_is_leak(metric))) {
        finding->measured = finding->site_sum;
        return 0;
    }
    struct totals totals;
    trace_totals(judge->sources.trace, sites->process_id, &totals);
    finding->measured = gate_metric_total(&totals, sites->sites, metric);
    return finding->measured != QUERY_NULL
               ? 0
               : err_set(err, ENODATA, "it does not hold the figure %s", gate_metrics[metric].name);
}

static int measure_masked(struct judge *judge, const struct judged_sites *sites,
                          struct finding *finding, struct err *err)
{
    const struct budget_limit *limit = finding->limit;
    memset(sites->is_meant, false, sites_count(sites->sites));
    int result = judged_sites_mask(&judge->sources, sites, limit->pattern,
                                   limit->subject == BUDGET_MODULE, sites->is_meant, err);
    if (result == 0) {
        sum_sites(sites, finding);
        finding->measured = finding->site_sum;
    }
    return result;
}

static bool is_name_like(const char *pattern, const char *name)
{
    return strcmp(pattern, name) == 0 || fnmatch(pattern, name, 0) == 0;
}

/* By paths as baselines have them. */
static int measure_paths(struct judge *judge, struct judged_sites *sites, struct finding *finding,
                         struct err *err)
{
    const struct budget_limit *limit = finding->limit;
    int result = judged_sites_name(&judge->sources, sites, err);
    for (size_t i = 0; i < sites->paths.count && result == 0; i++) {
        const struct site_path *path = &sites->paths.items[i];
        if (!is_name_like(limit->pattern, path->text)) {
            continue;
        }
        uint64_t value = path->values[gate_metrics[limit->metric].key];
        finding->matched_count++;
        finding->site_sum += value;
        if (value > finding->largest) {
            finding->largest = value;
            finding->largest_stack_id = path->most[gate_metrics[limit->metric].key].stack_id;
        }
    }
    finding->measured = finding->site_sum;
    return result;
}

/* Of the processes of a name the one with most. */
static int measure_processes(struct judge *judge, struct finding *finding, struct err *err)
{
    const struct trace *trace = judge->sources.trace;
    const struct budget_limit *limit = finding->limit;
    uint32_t selected_id = judge->sources.selection->process_id;
    size_t matched_count = 0;
    int result = 0;
    for (size_t i = 0; i < trace->process_count && result == 0; i++) {
        const struct process_row *process = &trace->processes[i];
        struct finding found = {.limit = limit};
        struct judged_sites *sites = NULL;
        if ((selected_id != 0 && process->id != selected_id) ||
            !is_name_like(limit->pattern, str_base_name(process->executable))) {
            continue;
        }
        result = judged_sites_reach(&judge->sources, process->id, limit->leak_kinds, &sites, err);
        result = result == 0 ? measure_all(judge, sites, &found, err) : result;
        matched_count++;
        if (result == 0 && (matched_count == 1 || found.measured > finding->measured)) {
            *finding = found;
            finding->process_id = process->id;
        }
    }
    finding->matched_count = matched_count;
    return result;
}

static void measure_threads(const struct judge *judge, struct finding *finding)
{
    const struct budget_limit *limit = finding->limit;
    struct thread_finding found;
    thread_figures_find(
        &judge->threads, judge->sources.trace, judge->sources.selection->process_id, limit,
        limit->leak_kinds != 0 ? limit->leak_kinds : judge->sources.budget->leaks.kinds, &found);
    finding->measured = found.measured;
    finding->matched_count = found.matched_count;
    finding->largest_stack_id = found.largest_stack_id;
    finding->largest = found.largest;
}

static void measure_entries(const struct judge *judge, struct finding *finding)
{
    struct entry_finding found;
    entry_figures_find(&judge->entries, finding->limit, &found);
    finding->measured = found.measured;
    finding->matched_count = found.matched_count;
    finding->largest_stack_id = found.largest_stack_id;
    finding->largest = found.largest;
}

/* Of the run, or of some of its sites. */
static int measure_sites(struct judge *judge, struct finding *finding, struct err *err)
{
    const struct budget_limit *limit = finding->limit;
    struct judged_sites *sites = NULL;
    int result = judged_sites_reach(&judge->sources, judge->sources.selection->process_id,
                                    limit->leak_kinds, &sites, err);
    if (result < 0) {
        return result;
    }
    switch (limit->subject) {
    case BUDGET_FUNCTION:
    case BUDGET_MODULE:
        return measure_masked(judge, sites, finding, err);
    case BUDGET_SITE:
        return measure_paths(judge, sites, finding, err);
    default:
        return measure_all(judge, sites, finding, err);
    }
}

static int judge_limit(struct judge *judge, struct finding *finding, struct err *err)
{
    int result = 0;
    switch (finding->limit->subject) {
    case BUDGET_PROCESS:
        result = measure_processes(judge, finding, err);
        break;
    case BUDGET_THREAD:
        measure_threads(judge, finding);
        break;
    case BUDGET_SCOPE:
    case BUDGET_FRAME:
        measure_entries(judge, finding);
        break;
    default:
        result = measure_sites(judge, finding, err);
        break;
    }
    finding->is_held = finding->measured >= finding->limit->at_least &&
                       finding->measured <= finding->limit->at_most;
    return result == 0 && finding->matched_count == 0
               ? nearest_name_find(&judge->sources, &judge->entries, finding->limit,
                                   &finding->nearest, err)
               : result;
}

int judgement_make(const struct trace *trace, const struct selection *selection,
                   struct stacks *stacks, const struct budget *budget,
                   struct judgement *out_judgement, struct err *err)
{
    struct judge judge = {
        .sources = {.trace = trace, .selection = selection, .budget = budget, .stacks = stacks}};
    struct judgement made = {.findings = calloc(budget->count + 1, sizeof(*made.findings)),
                             .count = budget->count};
    int result =
        made.findings != NULL ? begin(&judge, err) : err_set_errno(err, ENOMEM, "cannot judge");
    for (size_t i = 0; i < budget->count && result == 0; i++) {
        made.findings[i].limit = &budget->limits[i];
        result = judge_limit(&judge, &made.findings[i], err);
        made.failed_count += !made.findings[i].is_held;
    }
    if (judge.sites != NULL) { /* theirs to end from now on */
        made.leaks = judge.sites->leaks;
        judge.sites->leaks = (struct site_leaks){0};
    }
    made.idle_patterns = judge.sources.idle_patterns;
    made.idle_count = judge.sources.idle_count;
    judge.sources.idle_patterns = NULL;
    entry_figures_fini(&judge.entries);
    thread_figures_fini(&judge.threads);
    judged_sources_fini(&judge.sources);
    if (result < 0) {
        judgement_fini(&made);
        return result;
    }
    *out_judgement = made;
    return 0;
}

const char *finding_verdict(const struct finding *finding)
{
    return finding->is_held ? "PASS" : "FAIL";
}

void judgement_fini(struct judgement *judgement)
{
    site_leaks_fini(&judgement->leaks);
    for (size_t i = 0; i < judgement->count && judgement->findings != NULL; i++) {
        free(judgement->findings[i].nearest);
    }
    free(judgement->findings);
    free(judgement->idle_patterns);
    *judgement = (struct judgement){0};
}
