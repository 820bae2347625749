#include "sections.h"

#include <errno.h>
#include <string.h>

#include "../analyses/ages.h"
#include "../analyses/alignments.h"
#include "../analyses/analysis.h"
#include "../analyses/frames.h"
#include "../analyses/growth.h"
#include "../analyses/handoffs.h"
#include "../analyses/heap_pages.h"
#include "../analyses/nesting.h"
#include "../analyses/pooling.h"
#include "../analyses/scopes.h"
#include "../analyses/zeroing.h"
#include "../base/suggest.h"
#include "../cli/term.h"
#include "page_tree.h"

#define KEY(name) SITE_KEY_BIT(SITE_KEY_##name)

static const struct report_section sections[] = {
    {"unrecorded", report_print_unrecorded, 0, 0, true, NULL, false},
    {"faults", report_print_faults, 0, 0, true, NULL, true},
    {"sanitizer", report_print_sanitizer, 0, 0, true, NULL, false},
    {"summary", report_print_summary, KEY(TIME) | KEY(TEMPORARY), SECTION_BY_ALL, true, NULL,
     false},
    {"recommendation", report_print_recommendation, 0, 0, false, NULL, false},
    {"sites", report_print_sites, KEY(COUNT) | KEY(BYTES) | KEY(PEAK) | KEY(TIME) | KEY(TEMPORARY),
     SECTION_BY_ALL, true, NULL, false},
    {"leaks", report_print_leaks, KEY(LEAKED) | KEY(LEAKED_COUNT), SECTION_BY_ALL, true, NULL,
     false},
    {"temporary", report_print_temporary, KEY(TEMPORARY), SECTION_BY_FUNCTION, true, NULL, true},
    {"lifetimes", report_print_lifetimes, 0, 0, true, NULL, true},
    {"sizes", report_print_sizes, 0, 0, true, NULL, false},
    {"threads", report_print_threads, 0, 0, true, NULL, true},
    {"processes", report_print_processes, 0, 0, true, NULL, false},
    {"timeline", report_print_timeline, 0, SECTION_BY_TIME, true, NULL, false},
    {"large", report_print_large, KEY(LARGE), SECTION_BY_ALL, true, NULL, true},
    {"realloc", report_print_realloc, KEY(REALLOC), SECTION_BY_ALL, true, NULL, true},
    {"latency", report_print_latency, KEY(TIME), 0, false, NULL, true},
    {"pools", report_print_pools, 0, 0, false, &pooling_analysis, false},
    {"clocks", report_print_clocks, 0, 0, false, &ages_analysis, false},
    {"predict", report_print_predict, 0, 0, false, &ages_analysis, false},
    {"lifo", report_print_lifo, 0, 0, false, &nesting_analysis, false},
    {"handoffs", report_print_handoffs, 0, 0, false, &handoffs_analysis, false},
    {"churn", report_print_churn, 0, 0, false, NULL, true},
    {"bursts", report_print_bursts, 0, 0, false, NULL, true},
    {"reserve", report_print_reserve, 0, 0, false, &growth_analysis, false},
    {"zeroing", report_print_zeroing, 0, 0, false, &zeroing_analysis, false},
    {"alignment", report_print_alignment, 0, 0, false, &alignments_analysis, false},
    {"modules", report_print_modules, KEY(COUNT) | KEY(BYTES), SECTION_BY_ALL, false, NULL, false},
    {"gc", report_print_gc, 0, 0, true, NULL, false},
    {"gc-advice", report_print_gc_advice, KEY(BYTES) | KEY(LEAKED), 0, false, NULL, false},
    {"tree", report_print_tree, KEY(COUNT), SECTION_BY_ALL, false, NULL, false},
    {"frames", report_print_frames_section, 0, 0, false, &frames_analysis, false},
    {"scopes", report_print_scopes, 0, 0, false, &scopes_analysis, false},
    {"fragmentation", report_print_fragmentation, 0, 0, false, &heap_pages_analysis, false},
    {"pins", report_print_pins, 0, 0, false, &heap_pages_analysis, false},
    {"memory", report_print_memory, 0, 0, false, &heap_pages_analysis, true},
};

enum {
    SECTION_COUNT = sizeof(sections) / sizeof(sections[0])
};
_Static_assert(sizeof(sections) / sizeof(sections[0]) <= (size_t)SECTIONS_MAX,
               "a plan holds every section");

/* ---- the plan ----------------------------------------------------------------------------------
 */

static const char *limit_words(unsigned limits)
{
    if ((limits & SECTION_BY_THREAD) != 0) {
        return "--thread";
    }
    return (limits & SECTION_BY_TIME) != 0 ? "--from or --to" : "--module or --function";
}

static int find_section(const char *word)
{
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (strcmp(sections[i].name, word) == 0) {
            return i;
        }
    }
    return -1;
}

static int refuse_section(const char *word, struct err *err)
{
    const char *names[SECTION_COUNT + 1] = {NULL};
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        names[i] = sections[i].name;
    }
    const char *nearest = suggest_nearest(word, names);
    if (nearest != NULL) {
        return err_set(err, EINVAL, "unknown section '%s': did you mean '%s'?", word, nearest);
    }
    return err_set(err, EINVAL, "unknown section '%s' (a file's name ends in .db or holds a '/')",
                   word);
}

static unsigned find_limits(const struct report_settings *settings)
{
    bool has_time = settings->from_ns != OPTION_NOT_GIVEN || settings->to_ns != OPTION_NOT_GIVEN;
    bool has_function = settings->module != NULL || settings->function != NULL;
    return (has_time ? SECTION_BY_TIME : 0) | (settings->thread != NULL ? SECTION_BY_THREAD : 0) |
           (has_function ? SECTION_BY_FUNCTION : 0);
}

static int want_named(struct section_plan *plan, const char *word, struct err *err)
{
    int section = find_section(word);
    if (section < 0) {
        return refuse_section(word, err);
    }
    unsigned beyond = plan->limits & ~sections[section].limits;
    if (beyond != 0) {
        return err_set(err, EINVAL, "section '%s' cannot be limited by %s", sections[section].name,
                       limit_words(beyond));
    }
    plan->is_wanted[section] = true;
    return 0;
}

int section_plan_make(const struct report_settings *settings, char *const *words, int word_count,
                      struct section_plan *out_plan, struct err *err)
{
    struct section_plan plan = {.limits = find_limits(settings), .has_names = word_count > 0};
    int result = 0;
    for (int i = 0; i < word_count && result == 0; i++) {
        result = want_named(&plan, words[i], err);
    }
    if (!plan.has_names && settings->stack_id != OPTION_NOT_GIVEN) {
        plan.is_wanted[find_section("sites")] = true;
        plan.has_names = true;
    }
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (!plan.has_names) {
            /* A page draws the tree as a flame graph. */
            bool is_in_page = settings->html != NULL && sections[i].print != report_print_tree;
            bool is_shown = sections[i].is_in_overview || is_in_page;
            plan.is_wanted[i] = is_shown && (plan.limits & ~sections[i].limits) == 0;
        }
        plan.key_set |= plan.is_wanted[i] ? sections[i].key_set : 0;
    }
    if (plan.limits != 0 && section_plan_has(&plan, "summary")) {
        plan.key_set |= REPORT_SELECTION_KEYS;
    }
    plan.key_set |= settings->html != NULL ? PAGE_SITE_KEYS : 0;
    plan.key_set |= settings->sort != REPORT_UNSORTED ? SITE_KEY_BIT(settings->sort) : 0;
    *out_plan = plan;
    return result;
}

bool section_plan_has(const struct section_plan *plan, const char *name)
{
    return plan->is_wanted[find_section(name)];
}

/* ---- printing ----------------------------------------------------------------------------------
 */

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
    term_progress_update(context, done, total);
    return true;
}

static bool has_run(const struct analysis_run *runs, size_t count, const struct analysis *analysis)
{
    for (size_t i = 0; i < count; i++) {
        if (runs[i].analysis == analysis) {
            return true;
        }
    }
    return false;
}

/* runs[place of a section]: the analysis of a section that has one and can be worked out. */
static int analyse(struct report *report, const struct section_plan *plan,
                   struct analysis_run runs[SECTIONS_MAX], size_t *out_count, struct err *err)
{
    const struct process_row *process = report_process(report);
    size_t count = 0;
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const struct analysis *analysis = sections[i].analysis;
        if (plan->is_wanted[i] && analysis != NULL && process != NULL &&
            !has_run(runs, count, analysis) &&
            (analysis->observe == NULL || report_has_calls(report))) {
            runs[count++] = (struct analysis_run){.analysis = analysis};
        }
    }
    *out_count = count;
    if (count == 0) {
        return 0;
    }
    struct term_progress progress;
    term_progress_begin(&progress, stderr, "reading the calls");
    int result =
        analyses_run(report->trace, process->id, runs, count, show_progress, &progress, err);
    term_progress_end(&progress);
    return result;
}

static void *find_state(const struct analysis_run *runs, size_t count,
                        const struct analysis *analysis)
{
    for (size_t i = 0; i < count && analysis != NULL; i++) {
        if (runs[i].analysis == analysis) {
            return runs[i].state;
        }
    }
    return NULL;
}

/* Where nobody asked for it by its name, report_print_notes() is enough. */
static void note_not_imported(struct report *report, const struct section_plan *plan,
                              const char *section)
{
    if (plan->has_names) {
        out_note(report->out, "section '%s': not known, the imported file does not tell of it",
                 section);
    }
}

int sections_print(struct report *report, const struct section_plan *plan, struct err *err)
{
    struct analysis_run runs[SECTIONS_MAX];
    size_t count = 0;
    int result = analyse(report, plan, runs, &count, err);
    for (size_t i = 0; i < SECTION_COUNT && result == 0; i++) {
        if (plan->is_wanted[i] && sections[i].needs_calls && trace_is_import(report->trace)) {
            note_not_imported(report, plan, sections[i].name);
        } else if (plan->is_wanted[i]) {
            report->state = find_state(runs, count, sections[i].analysis);
            result = sections[i].print(report, err);
        }
    }
    analyses_end(runs, count);
    if (result == 0 && report->is_overview) {
        report_print_hints(report);
    }
    return result == 0 ? report_print_notes(report, err) : result;
}
