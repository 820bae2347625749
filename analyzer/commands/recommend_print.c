/*
 * recommend_print.c - the answer of `allocaudit recommend` in words and figures (recommend_print in
 * recommend_answer.h).
 */
#include <inttypes.h>
#include <stdio.h>

#include "../advice/front.h"
#include "recommend_parts.h"

enum {
    CELL_BYTES = 64,
};

static void print_summary(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    const struct recommend_tried *advised = recommend_advised(answer);
    out_begin_section(out, "recommendation", "Recommendation");
    recommend_print_verdict(answer);
    if (advised != NULL) {
        recommend_print_do(answer, advised);
    }
    out_end_section(out);
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
    out_percent(out, "allocator_time_pct", "  of it in the allocator, at most",
                evidence->allocator_time_ns, (double)evidence->cpu_time_ns);
    out_bytes(out, "rss_peak_bytes", "resident, at most", (int64_t)evidence->rss_peak_bytes);
    out_bytes(out, "rss_mean_bytes", "resident, on average", (int64_t)evidence->rss_mean_bytes);
    out_bytes(out, "peak_bytes", "requested, at most", (int64_t)evidence->peak_bytes);
    out_bytes(out, "live_mean_bytes", "requested, on average", (int64_t)evidence->live_mean_bytes);
    if (answer->has_replays) {
        out_percent(out, "peak_headroom_pct", "lost by the allocator, at the peak",
                    answer->headroom.peak, 1);
        if (answer->has_mean) {
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

static const char *cause_verdict(const struct recommend_cause *cause)
{
    if (!cause->is_known) {
        return "not replayed";
    }
    if (cause->explained_low > 0) {
        return "explains";
    }
    return cause->explained_high < 0 ? "is against it" : "no difference";
}

/* For people: also why not, and where more than all is gone. */
static void format_cause(const struct recommend_cause *cause, char text[CELL_BYTES])
{
    if (!cause->is_known) {
        (void)snprintf(text, CELL_BYTES, "not replayed: %s", cause->problem);
    } else if (cause->explained_low > 1) {
        (void)snprintf(text, CELL_BYTES, "explains all: without it worse than as recorded");
    } else {
        (void)snprintf(text, CELL_BYTES, "%s", cause_verdict(cause));
    }
}

static void note_no_causes(const struct recommend_answer *answer)
{
    if (answer->settings->is_why_wanted && answer->has_replays) {
        out_note(answer->out, "--why: %s",
                 answer->advised == NULL
                     ? "nothing else is advised, so there is no gain to explain"
                     : "no feature was left out: none is a part of the program that could explain "
                       "it, and not all of it");
    }
}

static void print_causes(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    if (answer->cause_count == 0) {
        note_no_causes(answer);
        return;
    }
    out_begin_table(out, "causes", "Because of what: replayed without it");
    for (size_t i = 0; i < answer->cause_count; i++) {
        const struct recommend_cause *cause = &answer->causes[i];
        char range[CELL_BYTES];
        char verdict[CELL_BYTES];
        format_cause(cause, verdict);
        out_begin_row(out);
        out_text(out, "feature", NULL, cause->feature);
        if (cause->is_known) {
            (void)snprintf(range, sizeof(range), "[%+.0f, %+.0f] %%", 100 * cause->explained_low,
                           100 * cause->explained_high);
            out_percent(out, "gain_without_pct", "gain without it", cause->gain_without, 1);
            out_percent(out, "explained_pct", "explains", cause->explained, 1);
            out_text(out, NULL, "range", range);
            out_percent(out, "explained_low_pct", NULL, cause->explained_low, 1);
            out_percent(out, "explained_high_pct", NULL, cause->explained_high, 1);
        }
        out_text(out, "verdict", NULL, cause_verdict(cause));
        out_text(out, NULL, "verdict", verdict);
        out_text(out, "problem", NULL, cause->is_known ? NULL : cause->problem);
        out_text(out, "text", "feature", cause->text);
        if (cause->stack_id != 0) {
            out_number(out, "stack_id", NULL, cause->stack_id);
            out_text(out, "function", "function", cause->function);
        }
        out_end_row(out);
    }
    out_end_table(out);
    out_note(out,
             "what features explain can add up to more than the gain: a block is small and of a "
             "site, too");
}

static void print_tried(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    struct contender contenders[RECOMMEND_TRIED_MAX];
    struct front_standing standings[RECOMMEND_TRIED_MAX];
    if (!answer->has_replays) {
        return;
    }
    for (size_t i = 0; i < answer->tried_count; i++) {
        contenders[i] = answer->tried[i].contender;
    }
    front_find(answer->goal, contenders, answer->tried_count, standings);
    out_begin_table(out, "tried", "Tried, by replay");
    for (size_t i = 0; i < answer->tried_count; i++) {
        const struct recommend_tried *tried = &answer->tried[i];
        const struct change *changes = tried->contender.changes;
        out_begin_row(out);
        out_text(out, "label", "allocator", tried->label);
        out_text(out, "allocator", NULL, tried->name);
        out_text(out, "setting", NULL, tried->setting);
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
        if (changes[ADVICE_WORST].is_known) {
            out_ns(out, "worst_ns", "longest call", (int64_t)tried->worst_ns.min);
        }
        if (changes[ADVICE_HEAP].is_known) {
            out_bytes(out, "held_bytes", "heap holds", (int64_t)tried->held_bytes.median);
        }
        out_percent(out, "score_pct", "weighed", decision_score(answer->goal, &tried->contender),
                    1);
        bool is_front = standings[i].place == FRONT_ON;
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
    recommend_print_expected(answer);
    recommend_print_confirmed(answer);
    print_causes(answer);
    print_features(answer);
    print_tried(answer);
    recommend_print_folklore(answer);
    print_sites(answer);
    recommend_print_advice(answer);
    recommend_print_environment(answer);
    recommend_print_confirmation(answer);
    print_method(answer);
    recommend_print_risks(answer);
}
