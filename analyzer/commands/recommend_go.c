#include "../db/query_gc.h"
#include "../report/sections.h"
#include "cmd.h"
#include "recommend_answer.h"

struct go_search {
    uint32_t process_id;
    bool is_found;
};

static int look_at_runtime(void *context, const struct go_runtime_row *row)
{
    struct go_search *search = context;
    search->is_found = search->is_found || row->process_id == search->process_id;
    return 0;
}

int recommend_find_go(struct recommend_answer *answer, struct err *err)
{
    struct go_search search = {.process_id = answer->process->id};
    int result = query_go_runtime(answer->trace->db, look_at_runtime, &search, err);
    answer->is_go = search.is_found;
    return result;
}

/* The section 'gc-advice' of the report is the whole answer. */
static int print_sections(struct report *report, const struct report_settings *settings,
                          struct err *err)
{
    char name[] = "gc-advice";
    char *const words[] = {name};
    struct section_plan plan = {.has_names = false};
    int result = section_plan_make(settings, words, 1, &plan, err);
    if (result == 0) {
        result = stacks_create(report->trace->db, &report->stacks, err);
    }
    if (result == 0) {
        result = sites_load(report->trace, report->selection, plan.key_set, settings->within,
                            &report->sites, err);
    }
    if (result == 0) {
        result = report_load_leaks(report, err);
    }
    if (result == 0) {
        result = out_create("recommend", &settings->out, stdout, &report->out, err);
    }
    if (result == 0) {
        result = sections_print(report, &plan, err);
        if (result < 0) {
            out_destroy(report->out);
        }
    }
    return result;
}

int recommend_print_go(struct recommend_answer *answer, struct err *err)
{
    const struct recommend_settings *wanted = answer->settings;
    const bool wants_memory = wanted->goal == ADVICE_MEMORY;
    struct report_settings settings = {
        .process = wanted->process,
        .within = 1,
        .from_ns = OPTION_NOT_GIVEN,
        .to_ns = OPTION_NOT_GIVEN,
        .top_count = OPTION_NOT_GIVEN,
        .stack_id = OPTION_NOT_GIVEN,
        .limit_bytes = wanted->container_bytes,
        .gc_goal = wants_memory ? REPORT_GC_GOAL_MEMORY : REPORT_GC_GOAL_CPU,
        .sort = REPORT_UNSORTED,
        .out = wanted->out,
    };
    struct selection selection = {0};
    struct report report = {.settings = &settings,
                            .path = answer->path,
                            .trace = answer->trace,
                            .selection = &selection};
    const struct selection_request request = {
        .process = wanted->process, .from_ns = OPTION_NOT_GIVEN, .to_ns = OPTION_NOT_GIVEN};
    int result = selection_resolve(answer->trace, &request, &selection, err);
    if (result == 0) {
        trace_totals(report.trace, selection.process_id, &report.totals);
        result = print_sections(&report, &settings, err);
    }
    sites_destroy(report.sites);
    site_leaks_fini(&report.leaks);
    suppressions_fini(&report.suppressions);
    stacks_destroy(report.stacks);
    selection_fini(&selection);
    answer->out = result == 0 ? report.out : NULL;
    return result;
}
