/*
 * recommend_parts.c - those parts of an answer that several commands print (recommend_parts.h).
 */
#include <inttypes.h>
#include <stdio.h>

#include "recommend_parts.h"

enum {
    CELL_BYTES = 64,
};

const struct recommend_measure recommend_measures[ADVICE_MEASURE_COUNT] = {
    [ADVICE_PEAK] = {"peak", "peak memory"},
    [ADVICE_MEAN] = {"mean", "memory on average"},
    [ADVICE_CPU] = {"cpu", "CPU time"},
    [ADVICE_TAIL] = {"tail", "malloc, 99.9th percentile"},
    [ADVICE_WORST] = {"worst", "longest call"},
    [ADVICE_HEAP] = {"heap", "heap held at most"},
};

static const char *const verdict_words[] = {
    [RECOMMEND_CHANGE] = "change",
    [RECOMMEND_NO_CHANGE] = "no_change",
    [RECOMMEND_INSUFFICIENT] = "insufficient_evidence",
    [RECOMMEND_WITHDRAWN] = "withdrawn",
};

static const char *const verdict_titles[] = {
    [RECOMMEND_CHANGE] = "change",
    [RECOMMEND_NO_CHANGE] = "NO CHANGE",
    [RECOMMEND_INSUFFICIENT] = "insufficient evidence",
    [RECOMMEND_WITHDRAWN] = "NO CHANGE: the advice below is withdrawn",
};

void recommend_print_verdict(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    out_text(out, "program", "program", answer->process->command);
    out_text(out, "goal", "goal", answer->goal->word);
    out_text(out, "recorded_allocator", "recorded on", answer->process->allocator);
    out_text(out, "verdict", NULL, verdict_words[answer->verdict]);
    out_text(out, NULL, "verdict", verdict_titles[answer->verdict]);
    if (answer->why.size_bytes > 0) {
        out_text(out, "why", "because", str_text(&answer->why));
    }
}

static const char *confidence_word(const struct recommend_answer *answer)
{
    return answer->trial.is_done && answer->trial.holds
               ? "proven"
               : decision_confidence_word(answer->decision.confidence);
}

void recommend_print_do(struct recommend_answer *answer, const struct recommend_tried *advised)
{
    struct out *out = answer->out;
    struct str line = {0};
    out_text(out, "advice", "advice", advised->label);
    out_text(out, "allocator", NULL, advised->name);
    out_text(out, "setting", NULL, advised->setting);
    if (recommend_append_line(advised, &line) == 0) {
        out_text(out, "environment_line", NULL, str_text(&line));
        if (str_append(&line, answer->process->command) == 0) {
            out_text(out, "command", "to do", str_text(&line));
        }
    }
    str_fini(&line);
    out_text(out, "undo", "to undo",
             "leave these variables out; nothing in the program has changed");
    out_text(out, "confidence", "confidence", confidence_word(answer));
    out_percent(out, "gain_pct", NULL, -answer->decision.score, 1);
    out_percent(out, "gain_low_pct", NULL, -answer->decision.worst, 1);
}

static void format_range(const struct change *change, char cell[CELL_BYTES])
{
    (void)snprintf(cell, CELL_BYTES, "[%+.1f, %+.1f] %%", 100 * change->low, 100 * change->high);
}

void recommend_print_change(struct out *out, enum advice_measure measure,
                            const struct change *change)
{
    char cell[CELL_BYTES];
    out_text(out, "measure", NULL, recommend_measures[measure].key);
    out_text(out, NULL, "figure", recommend_measures[measure].label);
    out_percent(out, "change_pct", "change", change->value, 1);
    format_range(change, cell);
    out_text(out, NULL, "range", cell);
    out_percent(out, "change_low_pct", NULL, change->low, 1);
    out_percent(out, "change_high_pct", NULL, change->high, 1);
}

void recommend_print_expected(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    const struct recommend_tried *advised = recommend_advised(answer);
    if (advised == NULL) {
        return;
    }
    out_begin_table(out, "expected", "Expected, of the whole program");
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        const struct change *change = &advised->contender.changes[i];
        if (!change->is_known) {
            continue;
        }
        out_begin_row(out);
        recommend_print_change(out, (enum advice_measure)i, change);
        out_end_row(out);
    }
    out_end_table(out);
}

void recommend_print_confirmed(struct recommend_answer *answer)
{
    static const struct {
        enum metric metric;
        const char *key;
        const char *label;
    } rows[] = {{METRIC_WALL, "wall", "wall time"},
                {METRIC_CPU, "cpu", "CPU time"},
                {METRIC_PEAK_RSS, "peak", "peak memory"},
                {METRIC_FAULTS, "faults", "page faults"}};
    struct out *out = answer->out;
    const struct recommend_trial *trial = &answer->trial;
    if (!trial->is_done || trial->is_lost) {
        return;
    }
    out_begin_table(out, "confirmed", "Confirmed, by running the program");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct comparison *comparison = &trial->comparisons[rows[i].metric];
        struct change change = {
            .low = comparison_percent(comparison, comparison->difference.low) / 100,
            .high = comparison_percent(comparison, comparison->difference.high) / 100,
        };
        out_begin_row(out);
        out_text(out, "measure", NULL, rows[i].key);
        out_text(out, NULL, "figure", rows[i].label);
        out_percent(out, "change_pct", "change", comparison->difference.median,
                    comparison->baseline);
        if (comparison->difference.has_bounds) {
            char cell[CELL_BYTES];
            format_range(&change, cell);
            out_text(out, NULL, "95 % interval", cell);
            out_percent(out, "change_low_pct", NULL, change.low, 1);
            out_percent(out, "change_high_pct", NULL, change.high, 1);
        }
        out_end_row(out);
    }
    out_end_table(out);
}

void recommend_print_confirmation(struct recommend_answer *answer)
{
    if (answer->trial.is_done) {
        out_note(answer->out, "confirmation, %zu rounds: %s", answer->trial.round_count,
                 str_text(&answer->trial.text));
    }
}

void recommend_print_risks(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    const struct process_row *process = answer->process;
    if (recommend_advised(answer) == NULL) {
        return;
    }
    if (!answer->trial.is_done) {
        out_note(out,
                 "this is predicted: a replay measures the allocator alone, not how fast the "
                 "program runs on memory that lies elsewhere; '--confirm -- COMMAND' tries it");
    }
    out_note(out, "it is one run with one input: with another the answer may be another");
    if (process->peak_ns != QUERY_NULL && answer->evidence.duration_ns > 0 &&
        (double)(process->peak_ns - process->started_ns) >
            0.95 * (double)answer->evidence.duration_ns) {
        out_note(out, "its memory was highest at the end: if it would have grown on, what was seen "
                      "is its beginning");
    }
    if (answer->has_threads) {
        out_note(out,
                 "its threads are ordered only where they hand blocks over: contention in the "
                 "replay is not quite what it is in the program%s",
                 answer->has_mean ? "" : "; the mean of memory is left out");
    } else if (!answer->has_clock) {
        out_note(out, "a replay takes no time between calls: what allocators give back after a "
                      "while (jemalloc after 10 s, mimalloc after 0.5 s) is not seen");
    }
    if (answer->touch_share < 1) {
        out_note(out,
                 "of its blocks the program uses %.0f %%, by the resident set that was "
                 "recorded; the replay did the same",
                 100 * answer->touch_share);
    }
    if (process->inherited_free_count > 0) {
        out_note(out, "the process was forked: blocks that it inherited are not replayed");
    }
}

void recommend_print_environment(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    if (answer->finding_count == 0 && !out_is_json(out)) {
        return;
    }
    out_begin_table(out, "environment", "Settings it was recorded with");
    for (size_t i = 0; i < answer->finding_count; i++) {
        const struct env_lint_finding *finding = &answer->findings[i];
        out_begin_row(out);
        out_text(out, "variable", "variable", finding->variable);
        out_text(out, "effect", "effect", env_lint_effect_word(finding->effect));
        out_text(out, "text", "what is wrong", finding->text);
        out_end_row(out);
    }
    out_end_table(out);
}
