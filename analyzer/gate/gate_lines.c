/*
 * The answer of a gate as lines of text, each for a limit or a figure of the baseline.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "gate_answer.h"

static const char *format_amount(enum gate_metric metric, uint64_t amount, char text[32])
{
    return gate_metrics[metric].is_bytes ? out_format_bytes((int64_t)amount, text)
                                         : out_format_count((int64_t)amount, text);
}

static int say_limit(const struct finding *finding, struct str *said)
{
    const struct budget_limit *limit = finding->limit;
    char measured[32];
    char least[32];
    char most[32];
    (void)format_amount(limit->metric, finding->measured, measured);
    (void)format_amount(limit->metric, limit->at_least, least);
    (void)format_amount(limit->metric, limit->at_most, most);
    if (limit->at_least > 0 && limit->at_least == limit->at_most) {
        return str_printf(said, "%s, must be %s", measured, most);
    }
    return limit->at_least > 0 ? str_printf(said, "%s, must be %s to %s", measured, least, most)
                               : str_printf(said, "%s, at most %s allowed", measured, most);
}

static int say_change(const struct baseline_change *change, struct str *said)
{
    char old[32];
    char now[32];
    (void)format_amount(change->metric, change->old.most, old);
    (void)format_amount(change->metric, change_now(change), now);
    int result = str_printf(said, "%s, baseline %s", now, old);
    if (result == 0 && change->kind == CHANGE_UNJUDGED) {
        return str_printf(said, "; %s", change->unjudged_why);
    }
    return result == 0 && change->kind == CHANGE_LESS ? str_append(said, ": less, to be renewed")
                                                      : result;
}

/* The function of a site, its source line, and its amount. */
static int name_site(const struct gate_answer *answer, uint32_t stack_id, const char *amount,
                     struct verdict_line *line, struct err *err)
{
    struct call_stack stack = {0};
    int result = stacks_expand(answer->stacks, stack_id, &stack, err);
    const struct stack_frame *shown = result == 0 ? call_stack_shown(&stack) : NULL;
    if (shown != NULL) {
        line->culprit = strdup(shown->function);
        line->amount = strdup(amount);
    }
    if (shown != NULL && shown->file != NULL && shown->line > 0) {
        line->file = strdup(shown->file);
        line->line = shown->line;
    }
    call_stack_fini(&stack);
    return result;
}

static int add_finding(const struct gate_answer *answer, const struct finding *finding,
                       struct verdict *verdict, struct err *err)
{
    struct verdict_line line = {.kind = finding->is_held ? VERDICT_PASS : VERDICT_FAIL,
                                .group = "allocaudit.budget"};
    char name[256];
    char amount[32];
    struct str said = {0};
    int result = 0;
    (void)budget_limit_describe(finding->limit, name, sizeof(name));
    if (say_limit(finding, &said) < 0) {
        return err_set_errno(err, ENOMEM, "cannot keep a verdict");
    }
    line.name = strdup(name);
    line.said = said.text;
    if (!finding->is_held && finding->largest_stack_id != 0) {
        result =
            name_site(answer, finding->largest_stack_id,
                      format_amount(finding->limit->metric, finding->largest, amount), &line, err);
    }
    int added = verdict_add(verdict, line, err);
    return result < 0 ? result : added;
}

static int add_change(const struct gate_answer *answer, const struct baseline_change *change,
                      struct verdict *verdict, struct err *err)
{
    static const enum verdict_kind kinds[] = {
        [CHANGE_NONE] = VERDICT_PASS,
        [CHANGE_MORE] = VERDICT_FAIL,
        [CHANGE_LESS] = VERDICT_BETTER,
        [CHANGE_UNJUDGED] = VERDICT_UNJUDGED,
    };
    struct verdict_line line = {.kind = kinds[change->kind], .group = "allocaudit.baseline"};
    char old[32];
    char now[32];
    char amount[80];
    struct str said = {0};
    int result = 0;
    if (say_change(change, &said) < 0) {
        return err_set_errno(err, ENOMEM, "cannot keep a verdict");
    }
    line.name = strdup(gate_metrics[change->metric].name);
    line.said = said.text;
    (void)snprintf(amount, sizeof(amount), "%s -> %s",
                   format_amount(change->metric, change->site_old.most, old),
                   format_amount(change->metric, change->site_now.least, now));
    if (change->site_stack_id != 0) {
        result = name_site(answer, change->site_stack_id, amount, &line, err);
    } else if (change->site_path != NULL) {
        line.culprit = strdup(change->site_path);
        line.amount = strdup(amount);
    }
    int added = verdict_add(verdict, line, err);
    return result < 0 ? result : added;
}

int gate_answer_lines(const struct gate_answer *answer, struct verdict *out_verdict,
                      struct err *err)
{
    struct verdict verdict = {0};
    int result = 0;
    for (size_t i = 0; i < answer->judgement.count && result == 0; i++) {
        result = add_finding(answer, &answer->judgement.findings[i], &verdict, err);
    }
    for (size_t i = 0; i < GATE_METRIC_COUNT && answer->baseline_path != NULL && result == 0; i++) {
        result = add_change(answer, &answer->changes[i], &verdict, err);
    }
    if (result < 0) {
        verdict_fini(&verdict);
        return result;
    }
    *out_verdict = verdict;
    return 0;
}
