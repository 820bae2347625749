/*
 * What is asked, and judging: what `gate` and `test` have in common.
 */
#include "gate_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/str.h"
#include "../model/completeness.h"
#include "../model/stacks.h"
#include "cmd.h"
#include "gate_tell.h"

/* ---- what is asked -----------------------------------------------------------------------------
 */

static int add_options(struct gate *gate, struct err *err)
{
    const struct gate_settings *settings = gate->settings;
    const struct budget_limit given[] = {
        {.metric = GATE_METRIC_ALLOCATION_COUNT,
         .at_most = settings->max_allocation_count,
         .option = "max-allocs"},
        {.metric = GATE_METRIC_ALLOCATED_BYTES,
         .at_most = settings->max_allocated_bytes,
         .option = "max-bytes"},
        {.metric = GATE_METRIC_PEAK_BYTES,
         .at_most = settings->max_peak_bytes,
         .option = "max-peak"},
        {.metric = GATE_METRIC_LEAKED_COUNT,
         .at_most = settings->max_leaked_count,
         .option = "max-leaks"},
        {.metric = GATE_METRIC_LEAKED_BYTES,
         .at_most = settings->max_leaked_bytes,
         .option = "max-leaked-bytes"},
        {.metric = GATE_METRIC_TEMPORARY_COUNT,
         .at_most = settings->max_temporary_count,
         .option = "max-temporary"},
        {.metric = GATE_METRIC_FAULT_COUNT,
         .at_most = settings->max_fault_count,
         .option = "max-faults"},
        {.metric = GATE_METRIC_UNRECORDED_COUNT,
         .at_most = settings->max_unrecorded_count,
         .option = "max-unrecorded"},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]) && result == 0; i++) {
        if (given[i].at_most != OPTION_NOT_GIVEN) {
            result = budget_add(&gate->budget, &given[i], err);
        }
    }
    return result;
}

int gate_choose_leaks(const char *leak_kinds, const char *suppressions_path,
                      struct suppressions *suppressions, struct counted_leaks *out_leaks,
                      struct err *err)
{
    *out_leaks = (struct counted_leaks){.kinds = 0};
    int result =
        site_leaks_parse(leak_kinds != NULL ? leak_kinds : GATE_LEAK_KINDS, &out_leaks->kinds, err);
    if (result == 0 && suppressions_path != NULL) {
        out_leaks->suppressions = suppressions;
        result = suppressions_read(suppressions, suppressions_path, err);
    }
    return result;
}

/* Options come before what the budget says. Returns CMD_DONE, or the status after telling what is
 * wrong. */
static int choose_leaks(struct gate *gate)
{
    const struct gate_settings *settings = gate->settings;
    struct budget *budget = &gate->budget;
    struct err err;
    int result = gate_choose_leaks(settings->leak_kinds,
                                   settings->suppressions != NULL ? settings->suppressions
                                                                  : budget->suppressions_path,
                                   &gate->suppressions, &budget->leaks, &err);
    if (settings->leak_kinds == NULL && budget->file_leak_kinds != 0) {
        budget->leaks.kinds = budget->file_leak_kinds;
    }
    if (result == -EINVAL) {
        return cmd_misuse(gate->page, "%s", err.text);
    }
    return result < 0 ? cmd_fail(&err) : CMD_DONE;
}

/* By the options, unless it is a text, which has kinds of its own. */
static int read_baseline(const struct gate_settings *settings, struct suppressions *suppressions,
                         struct baseline *baseline, struct err *err)
{
    int result = gate_choose_leaks(settings->leak_kinds, settings->suppressions, suppressions,
                                   &baseline->leaks, err);
    unsigned wanted = baseline->leaks.kinds;
    result = result == 0 ? baseline_read(baseline, settings->baseline, err) : result;
    if (result == -ENOENT) {
        return err_set(err, ENOENT,
                       "cannot open '%s': no such file; 'allocaudit test --baseline %s --update -- "
                       "COMMAND' writes it",
                       settings->baseline, settings->baseline);
    }
    if (result == 0 && settings->leak_kinds != NULL && baseline->leaks.kinds != wanted) {
        char kinds[LEAK_KINDS_TEXT_BYTES];
        bool is_any = baseline->leaks.kinds == 0;
        return err_set(err, EINVAL, "--leak-kinds: '%s' counts %s: write it anew with this option",
                       settings->baseline,
                       is_any ? "all blocks that were live at the end"
                              : site_leaks_name(baseline->leaks.kinds, kinds));
    }
    return result;
}

int gate_follow_baseline(const struct gate_settings *settings, struct suppressions *suppressions,
                         struct counted_leaks *out_leaks, struct err *err)
{
    struct baseline baseline = {0};
    int result = read_baseline(settings, suppressions, &baseline, err);
    *out_leaks = baseline.leaks;
    baseline_fini(&baseline);
    return result;
}

/* Returns CMD_DONE, or the status after telling what is wrong. */
static int make_budget(struct gate *gate)
{
    const struct gate_settings *settings = gate->settings;
    struct err err;
    if (add_options(gate, &err) < 0) {
        return cmd_fail(&err);
    }
    const char *path = settings->budget;
    bool is_free = gate->budget.count == 0 && settings->baseline == NULL;
    if (path == NULL && is_free && access(GATE_DEFAULT_BUDGET, F_OK) == 0) {
        path = GATE_DEFAULT_BUDGET;
    }
    if (path == NULL && is_free) {
        return cmd_misuse(gate->page,
                          "no limit given: such as --max-leaks 0, or a budget (" GATE_DEFAULT_BUDGET
                          ")");
    }
    if (settings->baseline == NULL && (settings->tolerance != NULL || settings->is_strict)) {
        return cmd_misuse(gate->page, "--%s needs a --baseline",
                          settings->is_strict ? "strict" : "tolerance");
    }
    if (settings->baseline != NULL && settings->process != NULL) {
        return cmd_misuse(gate->page, "a baseline is of the whole run: not with --process");
    }
    int result = path != NULL ? budget_read(&gate->budget, path, &err) : 0;
    gate->budget_path = path;
    result = result == 0 ? budget_check(&gate->budget, &err) : result;
    if (result == -EINVAL) {
        return cmd_misuse(gate->page, "%s", err.text);
    }
    if (result == 0 && path != NULL && gate->budget.count == 0) {
        return cmd_misuse(gate->page, "%s: it holds no limit", path);
    }
    return result < 0 ? cmd_fail(&err) : choose_leaks(gate);
}

/* ---- judging -----------------------------------------------------------------------------------
 */

static const char *tolerance_of(const struct gate_settings *settings)
{
    return settings->tolerance != NULL ? settings->tolerance : GATE_TOLERANCE;
}

static int compare_baseline(struct gate *gate, struct err *err)
{
    const struct gate_settings *settings = gate->settings;
    struct gate_answer *answer = &gate->answer;
    if (settings->baseline == NULL) {
        return 0;
    }
    int result = read_baseline(settings, &gate->baseline_suppressions, &answer->baseline, err);
    if (result == 0 && gate->now == NULL) {
        answer->own.leaks = answer->baseline.leaks;
        result = baseline_add(&answer->own, answer->path, err);
    }
    if (result == 0) {
        answer->baseline_path = settings->baseline;
        result = baseline_compare(&answer->baseline, gate->now != NULL ? gate->now : &answer->own,
                                  tolerance_of(settings), answer->changes, err);
    }
    return result;
}

/* Where they are limited, that decides. */
static bool limits_unrecorded(const struct budget *budget)
{
    bool is_limited = false;
    for (size_t i = 0; i < budget->count; i++) {
        is_limited = is_limited || budget->limits[i].metric == GATE_METRIC_UNRECORDED_COUNT;
    }
    return is_limited;
}

static int judge(struct gate *gate, struct err *err)
{
    const struct gate_settings *settings = gate->settings;
    struct gate_answer *answer = &gate->answer;
    const struct completeness_need need = {
        .verb = "judge",
        .hint = "to judge it all the same: --allow-incomplete",
        .unseen_hint = "to judge it all the same: --max-unrecorded N",
        .process_id = gate->selection.process_id,
        .may_be_cut = settings->is_incomplete_allowed,
        .may_be_unseen = limits_unrecorded(&gate->budget),
    };
    int result = completeness_check(gate->trace, &need, err);
    if (result == 0) {
        result = stacks_create(gate->trace->db, &answer->stacks, err);
    }
    if (result == 0) {
        result = judgement_make(gate->trace, &gate->selection, answer->stacks, &gate->budget,
                                &answer->judgement, err);
        if (result == -ENODATA) {
            err_prepend(err, "cannot judge '%s'", answer->path);
        }
    }
    return result == 0 ? compare_baseline(gate, err) : result;
}

static int judge_file(struct gate *gate)
{
    struct err err;
    const struct selection_request request = {
        .process = gate->settings->process,
        .from_ns = QUERY_NULL,
        .to_ns = QUERY_NULL,
    };
    int result = trace_open(gate->answer.path, &gate->trace, &err);
    if (result == 0) {
        gate->answer.trace = gate->trace;
        result = trace_check_content(gate->trace, &err);
    }
    if (result < 0) {
        return cmd_fail(&err);
    }
    result = selection_resolve(gate->trace, &request, &gate->selection, &err);
    if (result == -ENOENT || result == -EINVAL) {
        return cmd_misuse(gate->page, "%s", err.text);
    }
    result = result == 0 ? judge(gate, &err) : result;
    if (result == -EINVAL) {
        return cmd_misuse(gate->page, "%s", err.text);
    }
    return result < 0 ? cmd_fail(&err) : gate_tell(gate);
}

/* A baseline that knows kinds of leaks is held against a recording that does. */
static int needs_kinds(const struct gate_settings *settings, bool *out_needs, struct err *err)
{
    struct suppressions suppressions = {0};
    struct baseline baseline = {0};
    int result = read_baseline(settings, &suppressions, &baseline, err);
    *out_needs = *out_needs || baseline.is_leak_checked;
    baseline_fini(&baseline);
    suppressions_fini(&suppressions);
    return result;
}

int gate_check(const struct gate_settings *settings, const struct option_page *page,
               struct gate_needs *out_needs)
{
    struct gate gate = {.settings = settings, .page = page};
    struct err err;
    int status = make_budget(&gate);
    *out_needs = (struct gate_needs){
        .calls = budget_needs_calls(&gate.budget),
        .leak_kinds = budget_limits_leaks(&gate.budget) || settings->leak_kinds != NULL,
    };
    if (status == CMD_DONE && settings->baseline != NULL) {
        int result = needs_kinds(settings, &out_needs->leak_kinds, &err);
        status = result == -EINVAL ? cmd_misuse(page, "%s", err.text)
                 : result < 0      ? cmd_fail(&err)
                                   : CMD_DONE;
    }
    budget_fini(&gate.budget);
    suppressions_fini(&gate.suppressions);
    return status;
}

int gate_is_held(const struct gate_settings *settings, const struct baseline *now,
                 bool *out_is_held, struct err *err)
{
    struct baseline old = {0};
    struct baseline_change changes[GATE_METRIC_COUNT];
    struct suppressions suppressions = {0};
    int result = read_baseline(settings, &suppressions, &old, err);
    if (result == 0) {
        result = baseline_compare(&old, now, tolerance_of(settings), changes, err);
    }
    *out_is_held = true;
    for (size_t i = 0; i < GATE_METRIC_COUNT && result == 0; i++) {
        *out_is_held = *out_is_held && changes[i].kind != CHANGE_MORE;
    }
    baseline_fini(&old);
    suppressions_fini(&suppressions);
    return result;
}

int gate_run(const struct gate_settings *settings, const struct option_page *page, const char *path,
             const struct baseline *now)
{
    struct gate gate = {.settings = settings, .page = page, .now = now, .answer = {.path = path}};
    int status = make_budget(&gate);
    if (status == CMD_DONE) {
        status = judge_file(&gate);
    }
    gate_answer_fini(&gate.answer);
    selection_fini(&gate.selection);
    budget_fini(&gate.budget);
    suppressions_fini(&gate.suppressions);
    suppressions_fini(&gate.baseline_suppressions);
    free(gate.more);
    trace_close(gate.trace);
    return status;
}
