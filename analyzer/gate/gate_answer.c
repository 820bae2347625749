#include "gate_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../base/str.h"
#include "../report/report.h"

static bool is_counted(const struct gate_answer *answer, enum change_kind kind, size_t i)
{
    return answer->baseline_path != NULL && answer->changes[i].kind == kind;
}

static size_t count_changes(const struct gate_answer *answer, enum change_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < GATE_METRIC_COUNT; i++) {
        count += is_counted(answer, kind, i);
    }
    return count;
}

size_t gate_answer_failed_count(const struct gate_answer *answer)
{
    return answer->judgement.failed_count + count_changes(answer, CHANGE_MORE);
}

size_t gate_answer_more_count(const struct gate_answer *answer)
{
    return count_changes(answer, CHANGE_MORE);
}

size_t gate_answer_better_count(const struct gate_answer *answer)
{
    return count_changes(answer, CHANGE_LESS);
}

static void print_amount(struct out *out, enum gate_metric metric, const char *key,
                         const char *label, int64_t amount)
{
    if (gate_metrics[metric].is_bytes) {
        out_bytes(out, key, label, amount);
    } else {
        out_count(out, key, label, amount);
    }
}

/* ---- limits ------------------------------------------------------------------------------------
 */

/* Beneath a limit that failed: the site that contributes most to it. */
static int print_culprit(const struct gate_answer *answer, const struct finding *finding,
                         struct out *out, struct err *err)
{
    struct call_stack stack = {0};
    if (finding->largest_stack_id == 0) {
        return 0;
    }
    int result = stacks_expand(answer->stacks, finding->largest_stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    enum gate_metric metric = finding->limit->metric;
    out_begin_list(out, "largest_sites");
    out_begin_row(out);
    out_text(out, "what", "", "most of it:");
    print_amount(out, metric, gate_metrics[metric].name, "", (int64_t)finding->largest);
    if (finding->site_sum > 0) {
        out_percent(out, "share_pct", "", (double)finding->largest, (double)finding->site_sum);
    }
    out_number(out, "stack_id", NULL, finding->largest_stack_id);
    report_print_shown_frame(out, call_stack_shown(&stack), "");
    out_end_row(out);
    out_end_list(out);
    call_stack_fini(&stack);
    return 0;
}

static void print_place(struct out *out, const struct budget_limit *limit)
{
    out_text(out, "subject", NULL, budget_subject_words[limit->subject]);
    if (limit->pattern != NULL) {
        out_text(out, "pattern", NULL, limit->pattern);
    }
    if (limit->line > 0) {
        out_number(out, "line", NULL, limit->line);
    }
}

static int print_finding(const struct gate_answer *answer, const struct finding *finding,
                         struct out *out, struct err *err)
{
    const struct budget_limit *limit = finding->limit;
    char name[256];
    (void)budget_limit_describe(limit, name, sizeof(name));
    out_begin_row(out);
    out_text(out, "verdict", "verdict", finding_verdict(finding));
    out_text(out, "name", NULL, gate_metrics[limit->metric].name);
    out_text(out, "option", "limit", limit->option != NULL ? limit->option : name);
    print_place(out, limit);
    if (limit->at_least > 0) {
        print_amount(out, limit->metric, "at_least", "at least", (int64_t)limit->at_least);
    }
    print_amount(out, limit->metric, "limit", "allowed", (int64_t)limit->at_most);
    print_amount(out, limit->metric, "measured", "measured", (int64_t)finding->measured);
    if (finding->is_ignored_known) {
        print_amount(out, limit->metric, "ignored", "ignored", (int64_t)finding->ignored);
    }
    if (finding->process_id != 0) {
        out_number(out, "process_id", NULL, finding->process_id);
    }
    bool is_below = finding->measured < limit->at_least;
    int64_t margin = is_below ? (int64_t)(finding->measured - limit->at_least)
                              : (int64_t)(limit->at_most - finding->measured);
    print_amount(out, limit->metric, "margin", "margin", margin);
    out_percent(out, "margin_pct", "of the limit", (double)margin,
                (double)(is_below ? limit->at_least : limit->at_most));
    int result = finding->is_held ? 0 : print_culprit(answer, finding, out, err);
    out_end_row(out);
    return result;
}

/* Most budgets have upper limits only, and then no column for lower ones. */
static void declare_columns(const struct gate_answer *answer, struct out *out)
{
    bool has_least = false;
    bool has_ignored = false;
    for (size_t i = 0; i < answer->judgement.count; i++) {
        has_least = has_least || answer->judgement.findings[i].limit->at_least > 0;
        has_ignored = has_ignored || answer->judgement.findings[i].is_ignored_known;
    }
    out_column(out, "verdict", "verdict");
    out_column(out, "option", "limit");
    if (has_least) {
        out_column(out, "at_least", "at least");
    }
    out_column(out, "limit", "allowed");
    out_column(out, "measured", "measured");
    if (has_ignored) {
        out_column(out, "ignored", "ignored");
    }
}

static int print_limits(const struct gate_answer *answer, struct out *out, struct err *err)
{
    int result = 0;
    out_begin_table(out, "limits", "Limits");
    declare_columns(answer, out);
    for (size_t i = 0; i < answer->judgement.count && result == 0; i++) {
        result = print_finding(answer, &answer->judgement.findings[i], out, err);
    }
    out_end_table(out);
    return result;
}

/* ---- the baseline ------------------------------------------------------------------------------
 */

static const char *const change_words[] = {
    [CHANGE_NONE] = "same",
    [CHANGE_MORE] = "MORE",
    [CHANGE_LESS] = "less",
    [CHANGE_UNJUDGED] = "not judged",
};

static void print_mover(const struct baseline_change *change, struct out *out)
{
    if (change->site_path == NULL) {
        return;
    }
    out_begin_list(out, "largest_sites");
    out_begin_row(out);
    out_text(out, "what", "", "most of it:");
    print_amount(out, change->metric, "old", "", (int64_t)change->site_old.most);
    out_text(out, NULL, "", "->");
    print_amount(out, change->metric, "now", "", (int64_t)change->site_now.least);
    if (change->site_stack_id != 0) {
        out_number(out, "stack_id", NULL, change->site_stack_id);
    }
    out_text(out, "path", "", change->site_path);
    out_end_row(out);
    out_end_list(out);
}

static void print_change(const struct baseline_change *change, struct out *out)
{
    uint64_t now = change_now(change);
    uint64_t from = now > change->old.most ? change->old.most : change->old.least;
    bool is_inside = now >= change->old.least && now <= change->old.most;
    int64_t moved = is_inside ? 0 : (int64_t)(now - from);
    out_begin_row(out);
    out_text(out, "verdict", "verdict", change_words[change->kind]);
    out_text(out, "name", "figure", gate_metrics[change->metric].name);
    print_amount(out, change->metric, "old_least", "baseline", (int64_t)change->old.least);
    if (change->old.most != change->old.least || out_is_json(out)) {
        print_amount(out, change->metric, "old", "up to", (int64_t)change->old.most);
    }
    print_amount(out, change->metric, "now", "now", (int64_t)now);
    print_amount(out, change->metric, "change", "change", moved);
    out_percent(out, "change_pct", "", (double)moved, (double)from);
    if (change->kind == CHANGE_UNJUDGED) {
        out_aside(out, "why", "", change->unjudged_why);
    }
    print_mover(change, out);
    out_end_row(out);
}

static void print_baseline(const struct gate_answer *answer, struct out *out)
{
    char title[128];
    (void)snprintf(title, sizeof(title), "Against the baseline of %" PRIu64 " recording%s",
                   answer->baseline.recording_count,
                   answer->baseline.recording_count == 1 ? "" : "s");
    out_begin_table(out, "baseline", title);
    for (size_t i = 0; i < GATE_METRIC_COUNT; i++) {
        print_change(&answer->changes[i], out);
    }
    out_end_table(out);
}

static void note_nothing(const struct finding *finding, struct out *out)
{
    const struct budget_limit *limit = finding->limit;
    const char *before = finding->nearest != NULL ? ": did you mean '" : "";
    const char *nearest = finding->nearest != NULL ? finding->nearest : "";
    const char *behind = finding->nearest != NULL ? "'?" : "";
    if (limit->subject == BUDGET_FRAME) {
        out_note(out,
                 "line %u of the budget: the program ended no frames (allocaudit_frame(), or 'run "
                 "--frame-symbol')",
                 limit->line);
    } else if (limit->subject == BUDGET_SCOPE) {
        out_note(out, "line %u of the budget: no scope is called '%s'%s%s%s", limit->line,
                 limit->pattern, before, nearest, behind);
    } else {
        out_note(out, "line %u of the budget: nothing that allocated is called '%s' (%s)%s%s%s",
                 limit->line, limit->pattern, budget_subject_words[limit->subject], before, nearest,
                 behind);
    }
}

static bool is_same_subject(const struct budget_limit *a, const struct budget_limit *b)
{
    return a->subject == b->subject &&
           strcmp(a->pattern != NULL ? a->pattern : "", b->pattern != NULL ? b->pattern : "") == 0;
}

/* A name that fits nothing may be misspelt: told once, whatever is limited of it. */
static void note_unmatched(const struct gate_answer *answer, struct out *out)
{
    const struct finding *findings = answer->judgement.findings;
    for (size_t i = 0; i < answer->judgement.idle_count; i++) {
        out_note(out, "nothing that allocated is called '%s' (ignore)",
                 answer->judgement.idle_patterns[i]);
    }
    for (size_t i = 0; i < answer->judgement.count; i++) {
        bool is_told = i > 0 && is_same_subject(findings[i - 1].limit, findings[i].limit);
        if (findings[i].limit->subject != BUDGET_RUN && findings[i].matched_count == 0 &&
            !is_told) {
            note_nothing(&findings[i], out);
        }
    }
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

int gate_answer_print(const struct gate_answer *answer, struct out *out, struct err *err)
{
    size_t failed_count = gate_answer_failed_count(answer);
    size_t judged_count = answer->judgement.count;
    int result = 0;
    if (answer->baseline_path != NULL) {
        judged_count += GATE_METRIC_COUNT - count_changes(answer, CHANGE_UNJUDGED);
    }
    out_begin_section(out, "gate", "Gate");
    out_text(out, "verdict", "verdict", failed_count > 0 ? "FAIL" : "PASS");
    out_count(out, "limit_count", "limits", (int64_t)judged_count);
    out_count(out, "failed_count", "not held", (int64_t)failed_count);
    if (answer->baseline_path != NULL) {
        out_count(out, "better_count", "less than the baseline",
                  (int64_t)gate_answer_better_count(answer));
    }
    out_end_section(out);
    if (answer->judgement.count > 0) {
        result = print_limits(answer, out, err);
    }
    if (result == 0 && answer->baseline_path != NULL) {
        print_baseline(answer, out);
    }
    note_unmatched(answer, out);
    return result;
}

void gate_answer_fini(struct gate_answer *answer)
{
    stacks_destroy(answer->stacks);
    judgement_fini(&answer->judgement);
    baseline_fini(&answer->baseline);
    baseline_fini(&answer->own);
}
