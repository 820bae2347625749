/*
 * recommend_print.c - the answer of `allocaudit recommend` in words and figures (recommend_print in
 * recommend_answer.h).
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "recommend_answer.h"

enum {
    CELL_BYTES = 64,
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

struct measure_naming {
    const char *key;
    const char *label;
};

static const struct measure_naming measures[ADVICE_MEASURE_COUNT] = {
    [ADVICE_PEAK] = {"peak", "peak memory"},
    [ADVICE_MEAN] = {"mean", "memory on average"},
    [ADVICE_CPU] = {"cpu", "CPU time"},
    [ADVICE_TAIL] = {"tail", "malloc, 99.9th percentile"},
};

static const char *confidence_word(const struct recommend_answer *answer)
{
    return answer->trial.is_done && answer->trial.holds
               ? "proven"
               : decision_confidence_word(answer->decision.confidence);
}

static void print_do(struct recommend_answer *answer, const struct recommend_tried *advised)
{
    struct out *out = answer->out;
    struct str line = {0};
    out_text(out, "advice", "advice", advised->remedy->label);
    out_text(out, "allocator", NULL, advised->remedy->allocator);
    out_text(out, "setting", NULL, advised->remedy->pair);
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

static void print_summary(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    const struct recommend_tried *advised = recommend_advised(answer);
    out_begin_section(out, "recommendation", "Recommendation");
    out_text(out, "program", "program", answer->process->command);
    out_text(out, "goal", "goal", answer->goal->word);
    out_text(out, "recorded_allocator", "recorded on", answer->process->allocator);
    out_text(out, "verdict", NULL, verdict_words[answer->verdict]);
    out_text(out, NULL, "verdict", verdict_titles[answer->verdict]);
    if (answer->why.size_bytes > 0) {
        out_text(out, "why", "because", str_text(&answer->why));
    }
    if (advised != NULL) {
        print_do(answer, advised);
    }
    out_end_section(out);
}

/* ---- what to expect ---------------------------------------------------------------------------
 */

static void format_range(const struct change *change, char cell[CELL_BYTES])
{
    (void)snprintf(cell, CELL_BYTES, "[%+.1f, %+.1f] %%", 100 * change->low, 100 * change->high);
}

static void print_expected(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    const struct recommend_tried *advised = recommend_advised(answer);
    if (advised == NULL) {
        return;
    }
    out_begin_table(out, "expected", "Expected, of the whole program");
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        const struct change *change = &advised->contender.changes[i];
        char cell[CELL_BYTES];
        if (!change->is_known) {
            continue;
        }
        out_begin_row(out);
        out_text(out, "measure", NULL, measures[i].key);
        out_text(out, NULL, "figure", measures[i].label);
        out_percent(out, "change_pct", "change", change->value, 1);
        format_range(change, cell);
        out_text(out, NULL, "range", cell);
        out_percent(out, "change_low_pct", NULL, change->low, 1);
        out_percent(out, "change_high_pct", NULL, change->high, 1);
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_confirmed(struct recommend_answer *answer)
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

/* ---- why --------------------------------------------------------------------------------------
 */

static void print_features(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    const struct evidence *evidence = &answer->evidence;
    const struct recommend_tried *advised = recommend_advised(answer);
    out_begin_section(out, "features", "What the recording shows");
    out_count(out, "allocation_count", "allocations", (int64_t)evidence->allocation_count);
    out_ns(out, "cpu_time_ns", "CPU time", (int64_t)evidence->cpu_time_ns);
    out_percent(out, "allocator_time_pct", "  of it in the allocator", evidence->allocator_time_ns,
                (double)evidence->cpu_time_ns);
    out_bytes(out, "rss_peak_bytes", "resident, at most", (int64_t)evidence->rss_peak_bytes);
    out_bytes(out, "rss_mean_bytes", "resident, on average", (int64_t)evidence->rss_mean_bytes);
    out_bytes(out, "peak_bytes", "requested, at most", (int64_t)evidence->peak_bytes);
    out_bytes(out, "live_mean_bytes", "requested, on average", (int64_t)evidence->live_mean_bytes);
    if (answer->has_replays) {
        out_percent(out, "peak_headroom_pct", "lost by the allocator, at the peak",
                    answer->headroom.peak, 1);
        if (!answer->has_threads) {
            out_percent(out, "mean_headroom_pct", "  on average", answer->headroom.mean, 1);
        }
    }
    out_count(out, "thread_count", "threads that allocate", (int64_t)evidence->thread_count);
    out_percent(out, "remote_free_pct", "  freed by another one", evidence->remote_free_share, 1);
    out_percent(out, "small_pct", "blocks of up to 64 bytes", evidence->small_share, 1);
    out_bytes(out, "large_rate_bytes", "in blocks from 128 KiB, each second",
              (int64_t)evidence->large_rate);
    if (advised != NULL) {
        out_text(out, "because", advised->remedy->because == NULL ? NULL : "speaks for it",
                 advised->remedy->because);
    }
    out_end_section(out);
}

static void print_tried(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    struct contender contenders[RECOMMEND_TRIED_MAX];
    if (!answer->has_replays) {
        return;
    }
    for (size_t i = 0; i < answer->tried_count; i++) {
        contenders[i] = answer->tried[i].contender;
    }
    out_begin_table(out, "tried", "Tried, by replay");
    for (size_t i = 0; i < answer->tried_count; i++) {
        const struct recommend_tried *tried = &answer->tried[i];
        const struct change *changes = tried->contender.changes;
        out_begin_row(out);
        out_text(out, "label", "allocator",
                 tried->remedy == NULL ? "as recorded" : tried->remedy->label);
        out_text(out, "allocator", NULL, tried->name);
        out_text(out, "setting", NULL, tried->remedy == NULL ? NULL : tried->remedy->pair);
        if (tried->contender.is_lost) {
            out_text(out, "problem", NULL, tried->candidate.problem.text);
            out_end_row(out);
            continue;
        }
        out_bytes(out, "heap_peak_bytes", "heap peak",
                  (int64_t)tried->outcome.heap_peak_bytes.median);
        out_percent(out, "peak_change_pct", "peak", changes[ADVICE_PEAK].value, 1);
        if (changes[ADVICE_MEAN].is_known) {
            out_percent(out, "mean_change_pct", "mean", changes[ADVICE_MEAN].value, 1);
        }
        out_percent(out, "cpu_change_pct", "CPU", changes[ADVICE_CPU].value, 1);
        if (changes[ADVICE_TAIL].is_known) {
            out_percent(out, "tail_change_pct", "tail", changes[ADVICE_TAIL].value, 1);
        }
        out_percent(out, "score_pct", "weighed", decision_score(answer->goal, &tried->contender),
                    1);
        bool is_front = decision_is_on_front(contenders, answer->tried_count, i);
        out_bool(out, "is_on_front", NULL, is_front);
        out_bool(out, "is_final", NULL, tried->is_final);
        out_text(out, NULL, "front", is_front ? "*" : "");
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_sites(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    if (!answer->has_sites) {
        return;
    }
    out_begin_table(out, "sites", "Code: a pool of one's own at these sites would pay besides");
    for (size_t i = 0; i < answer->site_count; i++) {
        const struct recommend_site *site = &answer->sites[i];
        out_begin_row(out);
        out_number(out, "stack_id", "stack", site->stack_id);
        out_number(out, "size_bytes", "bytes", (int64_t)site->size_bytes);
        out_count(out, "allocation_count", "allocations", (int64_t)site->allocation_count);
        out_count(out, "live_count_max", "most live", (int64_t)site->live_count_max);
        out_ns(out, "saved_ns", "saves", (int64_t)site->saved_ns);
        out_percent(out, "saved_cpu_pct", "of CPU", site->saved_ns,
                    (double)answer->evidence.cpu_time_ns);
        out_bytes(out, "saved_peak_bytes", "saves at peak", site->saved_peak_bytes);
        out_text(out, "function", "function", site->function);
        out_end_row(out);
    }
    out_end_table(out);
}

static void print_risks(struct recommend_answer *answer)
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
        out_note(out, "its threads are ordered only where they hand blocks over: contention in the "
                      "replay is not quite what it is in the program; the mean of memory is left "
                      "out");
    } else {
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

static void print_environment(struct recommend_answer *answer)
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

static void print_method(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    if (!answer->has_replays) {
        return;
    }
    out_note(out,
             "measured by replaying %" PRIu64 " calls (%s) on %zu allocators and settings%s; "
             "changes are shares of the whole program as it was recorded, which recording slows "
             "down",
             answer->evidence.call_count,
             answer->has_threads ? "a thread for each recorded one" : "one thread",
             answer->tried_count, answer->repetition_count > 0 ? ", the best several times" : "");
    if (answer->untried_count > 0) {
        out_note(out, "not tried, since the time was up: %zu (--time-limit)",
                 answer->untried_count);
    }
    if (answer->repetition_count > 0) {
        out_note(out, "a range is what %u replays each leave open, side by side",
                 answer->repetition_count);
    }
}

void recommend_print(struct recommend_answer *answer)
{
    print_summary(answer);
    print_expected(answer);
    print_confirmed(answer);
    print_features(answer);
    print_tried(answer);
    print_sites(answer);
    print_environment(answer);
    if (answer->trial.is_done) {
        out_note(answer->out, "confirmation, %zu rounds: %s", answer->trial.round_count,
                 str_text(&answer->trial.text));
    }
    print_method(answer);
    print_risks(answer);
}
