#include "judgement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fnmatch.h>

#include "entry_figures.h"
#include "site_mask.h"

struct judge {
    const struct trace *trace;
    const struct selection *selection;
    const struct budget *budget;
    struct totals totals;
    struct site_leaks leaks;
    struct sites *sites;     /* with the keys that the limits need */
    struct stack_tree *tree; /* NULL: no limit needs it */
    struct stacks *stacks;
    struct entry_figures entries; /* empty: no limit needs them */
    bool *is_ignored;             /* per site; NULL: none is */
    bool *is_meant;               /* per site: what the limit at hand is about */
};

static bool needs_tree(const struct budget *budget)
{
    bool needs = budget->ignored_functions.count > 0;
    for (size_t i = 0; i < budget->count; i++) {
        needs = needs || budget->limits[i].subject == BUDGET_FUNCTION;
    }
    return needs;
}

static int add_to_mask(struct judge *judge, const char *pattern, bool is_module, bool *mask,
                       struct err *err)
{
    return is_module ? site_mask_add_module(judge->stacks, judge->sites, pattern, mask, err)
                     : site_mask_add_function(judge->tree, judge->sites, pattern, mask, err);
}

static int ignore(struct judge *judge, const struct budget_patterns *patterns, bool is_module,
                  struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < patterns->count && result == 0; i++) {
        result = add_to_mask(judge, patterns->items[i], is_module, judge->is_ignored, err);
    }
    return result;
}

static int fill_ignored(struct judge *judge, struct err *err)
{
    const struct budget *budget = judge->budget;
    if (budget->ignored_functions.count + budget->ignored_modules.count == 0) {
        return 0;
    }
    judge->is_ignored = calloc(sites_count(judge->sites) + 1, sizeof(bool));
    if (judge->is_ignored == NULL) {
        return err_set_errno(err, ENOMEM, "cannot judge");
    }
    int result = ignore(judge, &budget->ignored_functions, false, err);
    return result == 0 ? ignore(judge, &budget->ignored_modules, true, err) : result;
}

static bool is_about_leaks(enum gate_metric metric)
{
    return metric == GATE_METRIC_LEAKED_COUNT || metric == GATE_METRIC_LEAKED_BYTES;
}

/* Both figures of a leak are needed where one is asked for: to know what was suppressed. */
static const unsigned leak_keys =
    SITE_KEY_BIT(SITE_KEY_LEAKED) | SITE_KEY_BIT(SITE_KEY_LEAKED_COUNT);

static int count_leaks(struct judge *judge, unsigned key_set, struct err *err)
{
    const struct counted_leaks *counted = &judge->budget->leaks;
    if ((key_set & leak_keys) == 0 || counted->kinds == 0) {
        return 0;
    }
    int result = site_leaks_load(&judge->leaks, judge->trace, judge->selection->process_id, err);
    return result == 0
               ? counted_leaks_apply(counted, &judge->leaks, judge->stacks, judge->sites, err)
               : result;
}

static int begin(struct judge *judge, struct err *err)
{
    unsigned key_set = 0;
    for (size_t i = 0; i < judge->budget->count; i++) {
        key_set |= gate_metric_key_bit(judge->budget->limits[i].metric);
    }
    key_set |= (key_set & leak_keys) != 0 ? leak_keys : 0;
    trace_totals(judge->trace, judge->selection->process_id, &judge->totals);
    int result = sites_load(judge->trace, judge->selection, key_set, 1, &judge->sites, err);
    result = result == 0 ? count_leaks(judge, key_set, err) : result;
    if (result == 0 && needs_tree(judge->budget)) {
        result = stack_tree_load(judge->trace->db, &judge->tree, err);
    }
    if (result == 0 && budget_needs_calls(judge->budget)) {
        result =
            entry_figures_make(judge->trace, judge->selection->process_id, &judge->entries, err);
    }
    if (result == 0) {
        judge->is_meant = calloc(sites_count(judge->sites) + 1, sizeof(bool));
        result = judge->is_meant != NULL ? fill_ignored(judge, err)
                                         : err_set_errno(err, ENOMEM, "cannot judge");
    }
    return result;
}

static void sum_sites(const struct judge *judge, struct finding *finding)
{
    enum site_key key = gate_metrics[finding->limit->metric].key;
    bool is_of_sites = gate_metric_is_of_sites(finding->limit->metric);
    for (size_t i = 0; i < sites_count(judge->sites) && is_of_sites; i++) {
        if (!judge->is_meant[i]) {
            continue;
        }
        uint64_t value = sites_value(judge->sites, i, key);
        if (judge->is_ignored != NULL && judge->is_ignored[i]) {
            finding->ignored += value;
            continue;
        }
        finding->matched_count++;
        finding->site_sum += value;
        if (value > finding->largest) {
            finding->largest = value;
            finding->largest_stack_id = sites_stack_id(judge->sites, i);
        }
    }
}

static int measure_run(struct judge *judge, struct finding *finding, struct err *err)
{
    enum gate_metric metric = finding->limit->metric;
    memset(judge->is_meant, true, sites_count(judge->sites));
    sum_sites(judge, finding);
    if ((judge->is_ignored != NULL && gate_metric_is_of_sites(metric)) ||
        (judge->budget->leaks.kinds != 0 && is_about_leaks(metric))) {
        finding->measured = finding->site_sum;
        return 0;
    }
    finding->measured = gate_metric_total(&judge->totals, judge->sites, metric);
    return finding->measured != QUERY_NULL
               ? 0
               : err_set(err, ENODATA, "it does not hold the figure %s", gate_metrics[metric].name);
}

static int measure_sites(struct judge *judge, struct finding *finding, struct err *err)
{
    const struct budget_limit *limit = finding->limit;
    memset(judge->is_meant, false, sites_count(judge->sites));
    int result =
        add_to_mask(judge, limit->pattern, limit->subject == BUDGET_MODULE, judge->is_meant, err);
    if (result == 0) {
        sum_sites(judge, finding);
        finding->measured = finding->site_sum;
    }
    return result;
}

/* A thread without a name goes by "". */
static void measure_threads(const struct judge *judge, struct finding *finding)
{
    for (size_t i = 0; i < judge->trace->thread_count; i++) {
        const struct thread_row *thread = &judge->trace->threads[i];
        bool is_in =
            judge->selection->process_id == 0 || thread->process_id == judge->selection->process_id;
        const char *name = thread->name != NULL ? thread->name : "";
        if (is_in && fnmatch(finding->limit->pattern, name, 0) == 0) {
            finding->matched_count++;
            finding->measured += finding->limit->metric == GATE_METRIC_ALLOCATION_COUNT
                                     ? thread->allocation_count
                                     : thread->allocated_bytes;
        }
    }
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

static int judge_limit(struct judge *judge, struct finding *finding, struct err *err)
{
    int result = 0;
    switch (finding->limit->subject) {
    case BUDGET_FUNCTION:
    case BUDGET_MODULE:
        result = measure_sites(judge, finding, err);
        break;
    case BUDGET_THREAD:
        measure_threads(judge, finding);
        break;
    case BUDGET_SCOPE:
    case BUDGET_FRAME:
        measure_entries(judge, finding);
        break;
    default:
        result = measure_run(judge, finding, err);
        break;
    }
    finding->is_held = finding->measured >= finding->limit->at_least &&
                       finding->measured <= finding->limit->at_most;
    return result;
}

int judgement_make(const struct trace *trace, const struct selection *selection,
                   struct stacks *stacks, const struct budget *budget,
                   struct judgement *out_judgement, struct err *err)
{
    struct judge judge = {
        .trace = trace, .selection = selection, .budget = budget, .stacks = stacks};
    struct judgement made = {.findings = calloc(budget->count + 1, sizeof(*made.findings)),
                             .count = budget->count};
    int result =
        made.findings != NULL ? begin(&judge, err) : err_set_errno(err, ENOMEM, "cannot judge");
    for (size_t i = 0; i < budget->count && result == 0; i++) {
        made.findings[i].limit = &budget->limits[i];
        result = judge_limit(&judge, &made.findings[i], err);
        made.failed_count += !made.findings[i].is_held;
    }
    entry_figures_fini(&judge.entries);
    made.leaks = judge.leaks;
    free(judge.is_meant);
    free(judge.is_ignored);
    stack_tree_destroy(judge.tree);
    sites_destroy(judge.sites);
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
    free(judgement->findings);
    *judgement = (struct judgement){0};
}
