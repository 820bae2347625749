#include "gate_tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/str.h"
#include "../model/missing_programs.h"
#include "cmd.h"

/* What to type to see more of it, once. */
static void print_command(struct gate *gate, struct out *out, enum budget_subject subject,
                          enum gate_metric metric, unsigned *told_set)
{
    enum site_key key = gate_metrics[metric].key;
    bool is_of_sites = gate_metric_is_of_sites(metric);
    bool is_of_starts = metric == GATE_METRIC_UNRECORDED_COUNT;
    unsigned bit = SITE_KEY_BIT(budget_is_entry(subject) ? SITE_KEY_COUNT_ALL + (unsigned)subject
                                : is_of_starts ? (unsigned)SITE_KEY_COUNT_ALL + BUDGET_SUBJECT_COUNT
                                               : key);
    struct str text = {0};
    if ((*told_set & bit) != 0) {
        return;
    }
    *told_set |= bit;
    int result = str_printf(&text, "allocaudit report %s%s",
                            budget_is_entry(subject) ? budget_subject_words[subject]
                            : is_of_sites            ? "sites --sort "
                            : is_of_starts           ? "unrecorded"
                                                     : "faults",
                            !budget_is_entry(subject) && is_of_sites ? site_key_word(key) : "");
    if (result == 0 && strcmp(gate->answer.path, CMD_DEFAULT_FILE) != 0) {
        result = str_append(&text, " -i ");
        result = result == 0 ? str_append_quoted(&text, gate->answer.path) : result;
    }
    if (result == 0) {
        out_prose(out, "More: %s", str_text(&text));
    }
    if (result == 0 && gate->more == NULL) {
        gate->more = strdup(str_text(&text));
    }
    str_fini(&text);
}

/* Where a recording and its baseline differ: how to take the difference for good. */
static void print_renewal(const struct gate *gate, struct out *out)
{
    const struct gate_answer *answer = &gate->answer;
    bool is_more = gate_answer_more_count(answer) > 0;
    struct str text = {0};
    if (!is_more && gate_answer_better_count(answer) == 0) {
        return;
    }
    int result = 0;
    if (strcmp(gate->page->command, "test") == 0) {
        result = str_append(&text, "allocaudit test --update --baseline ");
        result = result == 0 ? str_append_quoted(&text, answer->baseline_path) : result;
        result = result == 0 ? str_printf(&text, " -- %s", gate->trace->run.command) : result;
    } else {
        result = str_append(&text, "allocaudit baseline ");
        result = result == 0 ? str_append_quoted(&text, answer->path) : result;
        result = result == 0 ? str_append(&text, " -o ") : result;
        result = result == 0 ? str_append_quoted(&text, answer->baseline_path) : result;
    }
    if (result == 0) {
        out_prose(out, "%s: %s",
                  is_more ? "If it is meant" : "Less than the baseline, which can be renewed",
                  str_text(&text));
    }
    str_fini(&text);
}

/* Beside a recording every site can be compared. */
static void print_diff(const struct gate *gate, struct out *out)
{
    const struct gate_answer *answer = &gate->answer;
    struct str text = {0};
    if (!answer->baseline.is_recording || gate_answer_more_count(answer) == 0) {
        return;
    }
    int result = str_append_quoted(&text, answer->baseline_path);
    result = result == 0 ? str_append_char(&text, ' ') : result;
    if (result == 0 && str_append_quoted(&text, answer->path) == 0) {
        out_prose(out, "More: allocaudit diff %s", str_text(&text));
    }
    str_fini(&text);
}

static void print_next(struct gate *gate, struct out *out)
{
    const struct gate_answer *answer = &gate->answer;
    unsigned told_set = 0;
    print_diff(gate, out);
    for (size_t i = 0; i < answer->judgement.count; i++) {
        const struct finding *finding = &answer->judgement.findings[i];
        if (!finding->is_held) {
            print_command(gate, out, finding->limit->subject, finding->limit->metric, &told_set);
        }
    }
    for (size_t i = 0; i < GATE_METRIC_COUNT && answer->baseline_path != NULL; i++) {
        if (answer->changes[i].kind == CHANGE_MORE) {
            print_command(gate, out, BUDGET_RUN, (enum gate_metric)i, &told_set);
        }
    }
    print_renewal(gate, out);
}

/* What counted as a leak, where that was asked. */
static void note_leaks(const struct gate *gate, struct out *out)
{
    const struct site_leaks *leaks = &gate->answer.judgement.leaks;
    bool is_chosen = gate->settings->leak_kinds != NULL || gate->budget.file_leak_kinds != 0;
    char kinds[LEAK_KINDS_TEXT_BYTES];
    char count[32];
    if (leaks->known_process_count > 0 && budget_uses_its_kinds(&gate->budget)) {
        out_note(out, "leaked blocks of these kinds count: %s%s",
                 site_leaks_name(gate->budget.leaks.kinds, kinds),
                 is_chosen ? "" : " (see --leak-kinds)");
    }
    if (leaks->unknown_process_count > 0) {
        out_note(out,
                 "leak kinds of %llu process%s are not known (%s): all that was live there counts "
                 "(blocks: %s)",
                 (unsigned long long)leaks->unknown_process_count,
                 leaks->unknown_process_count == 1 ? "" : "es", site_leaks_reason(leaks),
                 out_format_count((int64_t)leaks->unknown_leaked_count, count));
    }
    bool is_counted = budget_limits_leaks(&gate->budget);
    for (size_t i = 0; i < gate->suppressions.count && is_counted; i++) {
        const struct suppression *suppression = &gate->suppressions.items[i];
        char bytes[32];
        out_note(out, "suppressed by leak:%s: %s blocks, %s", suppression->pattern,
                 out_format_count((int64_t)suppression->leaked_count, count),
                 out_format_bytes((int64_t)suppression->leaked_bytes, bytes));
    }
}

/* What was compared or read may not be what was meant. */
static void note_sources(const struct gate *gate, struct out *out)
{
    const struct gate_answer *answer = &gate->answer;
    const char *command = gate->trace->run.command;
    if (answer->baseline_path != NULL && strcmp(answer->baseline.command, command) != 0) {
        out_note(out, "the baseline is of another command: %.200s", answer->baseline.command);
    }
    if (gate->budget_path == NULL && access(GATE_DEFAULT_BUDGET, F_OK) == 0) {
        out_note(out, GATE_DEFAULT_BUDGET " was not read, since other limits were given: "
                                          "-b " GATE_DEFAULT_BUDGET " adds it");
    }
}

static void print_notes(struct gate *gate, struct out *out)
{
    note_leaks(gate, out);
    note_sources(gate, out);
    const struct run_row *run = &gate->trace->run;
    if (gate->settings->is_incomplete_allowed && !trace_is_complete(gate->trace)) {
        out_note(out, "the recording is incomplete (state '%s'): figures may be too low",
                 run->state);
    }
    struct totals totals;
    trace_totals(gate->trace, gate->selection.process_id, &totals);
    struct str missing = {0};
    if (missing_programs_describe(gate->trace, gate->selection.process_id, &missing) == 0 &&
        missing.size_bytes > 0) {
        out_note(out, "%s", str_text(&missing));
    }
    str_fini(&missing);
    if (totals.allocation_count == 0) {
        out_note(out, "nothing was allocated: is this the program that was meant?");
    }
    if (totals.lost_event_count != QUERY_NULL && totals.lost_event_count > 0) {
        out_note(out, "%llu events were lost: figures are too low",
                 (unsigned long long)totals.lost_event_count);
    }
}

static int write_form(const char *path, const char *mode, const struct verdict *verdict,
                      int (*write)(const struct verdict *verdict, FILE *stream), struct err *err)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        return err_set_errno(err, errno, "cannot write '%s'", path);
    }
    int result = write(verdict, file);
    if (fclose(file) != 0 && result == 0) {
        result = -errno;
    }
    return result < 0 ? err_set_errno(err, -result, "cannot write '%s'", path) : 0;
}

static int write_forms(struct gate *gate, struct err *err)
{
    const struct gate_settings *settings = gate->settings;
    struct verdict verdict = {0};
    if (settings->junit == NULL && settings->markdown == NULL && !settings->has_annotations) {
        return 0;
    }
    char *folder = getcwd(NULL, 0);
    int result = gate_answer_lines(&gate->answer, &verdict, err);
    verdict.more = gate->more;
    verdict.folder = folder;
    verdict.is_strict = settings->is_strict;
    if (result == 0 && settings->junit != NULL) {
        result = write_form(settings->junit, "we", &verdict, verdict_write_junit, err);
    }
    if (result == 0 && settings->markdown != NULL) {
        result = write_form(settings->markdown, "ae", &verdict, verdict_write_markdown, err);
    }
    if (result == 0 && settings->has_annotations && verdict_write_github(&verdict, stdout) < 0) {
        result = err_set_errno(err, errno, "cannot write the output");
    }
    verdict_fini(&verdict);
    free(folder);
    return result;
}

int gate_tell(struct gate *gate)
{
    struct err err;
    struct out *out = NULL;
    int result = out_create("gate", &gate->settings->out, stdout, &out, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    result = gate_answer_print(&gate->answer, out, &err);
    if (result < 0) {
        out_destroy(out);
        return cmd_fail(&err);
    }
    print_next(gate, out);
    print_notes(gate, out);
    bool has_failed = gate_answer_failed_count(&gate->answer) > 0;
    bool is_better = gate->settings->is_strict && gate_answer_better_count(&gate->answer) > 0;
    int status = cmd_finish(out, has_failed  ? CMD_GATE_FAILED
                                 : is_better ? CMD_GATE_BETTER
                                             : CMD_DONE);
    result = write_forms(gate, &err);
    return result < 0 ? cmd_fail(&err) : status;
}
