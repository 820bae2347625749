/*
 * recommend_print_advice.c - what to change at single call sites, or that none is worth it
 * (recommend_print_advice in recommend_answer.h).
 */
#include <inttypes.h>
#include <stdio.h>

#include "recommend_parts.h"

enum {
    CELL_BYTES = 64,
    SENTENCE_BYTES = 128,
};

static const char *const kind_words[] = {
    [RECOMMEND_RESERVE] = "reserve",
    [RECOMMEND_OWN_ARENA] = "own_arena",
    [RECOMMEND_FRAME_ARENA] = "frame_arena",
};

/* How each was measured. */
static const char *const evidence_texts[] = {
    [RECOMMEND_RESERVE] = "replayed on the base with and without it",
    [RECOMMEND_OWN_ARENA] =
        "replayed on the base with and without the blocks, which are counted as packed",
    [RECOMMEND_FRAME_ARENA] =
        "replayed on the base with and without the frame policy for these blocks",
};

static void print_change(struct out *out, enum advice_measure measure, const struct change *change,
                         const char *const keys[3])
{
    if (change->is_known) {
        out_percent(out, keys[0], recommend_measures[measure].key, change->value, 1);
        out_percent(out, keys[1], NULL, change->low, 1);
        out_percent(out, keys[2], NULL, change->high, 1);
    }
}

static void print_changes(struct out *out, const struct change *changes)
{
    static const char *const peak[] = {"peak_change_pct", "peak_change_low_pct",
                                       "peak_change_high_pct"};
    static const char *const mean[] = {"mean_change_pct", "mean_change_low_pct",
                                       "mean_change_high_pct"};
    static const char *const cpu[] = {"cpu_change_pct", "cpu_change_low_pct",
                                      "cpu_change_high_pct"};
    print_change(out, ADVICE_PEAK, &changes[ADVICE_PEAK], peak);
    print_change(out, ADVICE_MEAN, &changes[ADVICE_MEAN], mean);
    print_change(out, ADVICE_CPU, &changes[ADVICE_CPU], cpu);
}

static void format_frames(const struct recommend_frames *frames, char *text, size_t size)
{
    char bytes[32];
    char more[CELL_BYTES] = "";
    if (frames->stack_count > 1) {
        (void)snprintf(more, sizeof(more), " and those of %zu more sites", frames->stack_count - 1);
    }
    (void)snprintf(text, size,
                   "take these blocks%s from one arena (chunks of %s) that is reset when a frame "
                   "ends: none outlives it",
                   more, out_format_bytes((int64_t)frames->chunk_bytes, bytes));
}

static void format_sentence(const struct recommend_advice *advice, char *text, size_t size)
{
    char bytes[32];
    switch (advice->kind) {
    case RECOMMEND_RESERVE:
        (void)snprintf(
            text, size,
            "reserve %s before it grows: std::vector::reserve, or one malloc of that size",
            out_format_bytes((int64_t)advice->size_bytes, bytes));
        break;
    case RECOMMEND_OWN_ARENA:
        (void)snprintf(text, size,
                       "keep these blocks in an arena of their own (%s at most), apart from those "
                       "that die",
                       out_format_bytes((int64_t)advice->arena.peak_bytes, bytes));
        break;
    case RECOMMEND_FRAME_ARENA:
        format_frames(&advice->frames, text, size);
        break;
    }
}

static void print_frames(struct out *out, const struct recommend_advice *advice)
{
    const struct recommend_frames *frames = &advice->frames;
    uint64_t stack_ids[ARENA_SITES_MAX];
    if (advice->kind != RECOMMEND_FRAME_ARENA || !out_is_json(out)) {
        return;
    }
    for (size_t i = 0; i < frames->stack_count; i++) {
        stack_ids[i] = frames->stack_ids[i];
    }
    out_numbers(out, "frame_stack_ids", stack_ids, frames->stack_count);
    out_text(out, "frame_name", NULL, frames->series_name);
    out_number(out, "frame_count", NULL, (int64_t)frames->frame_count);
    out_number(out, "frame_allocation_count", NULL, (int64_t)frames->allocation_count);
    out_number(out, "frame_chunk_bytes", NULL, (int64_t)frames->chunk_bytes);
}

static void print_row(struct recommend_answer *answer, const struct recommend_advice *advice)
{
    struct out *out = answer->out;
    const struct contender *contender = &advice->contender;
    const char *label = answer->advice_base->label;
    char text[RECOMMEND_FUNCTION_BYTES + SENTENCE_BYTES];
    char range[CELL_BYTES];
    double low = decision_best_score(answer->goal, contender);
    double high = decision_worst_score(answer->goal, contender);
    out_begin_row(out);
    out_text(out, "kind", "advice", kind_words[advice->kind]);
    out_number(out, "stack_id", "stack", advice->stack_id);
    out_percent(out, "change_pct", "weighed", decision_score(answer->goal, contender), 1);
    (void)snprintf(range, sizeof(range), "[%+.1f, %+.1f] %%", 100 * low, 100 * high);
    out_text(out, NULL, "range", range);
    out_percent(out, "change_low_pct", NULL, low, 1);
    out_percent(out, "change_high_pct", NULL, high, 1);
    print_changes(out, contender->changes);
    out_bytes(out, "arena_peak_bytes", NULL, (int64_t)advice->arena.peak_bytes);
    out_number(out, "size_bytes", NULL, (int64_t)advice->size_bytes);
    out_number(out, "spared_step_count", NULL, (int64_t)advice->spared_step_count);
    out_number(out, "spared_copied_bytes", NULL, (int64_t)advice->spared_copied_bytes);
    out_text(out, "base", NULL, label);
    print_frames(out, advice);
    out_text(out, "evidence", NULL, evidence_texts[advice->kind]);
    out_text(out, "function", "function", advice->function);
    (void)snprintf(text, sizeof(text), "%s:%" PRIu32, advice->file, advice->line);
    out_text(out, NULL, "place", advice->file[0] != '\0' ? text : "");
    out_text(out, "file", NULL, advice->file);
    out_number(out, "line", NULL, advice->line);
    format_sentence(advice, text, sizeof(text));
    out_text(out, "text", "what to write", text);
    out_end_row(out);
}

/* Of those that were measured; there is one. */
static const struct recommend_advice *find_best(const struct recommend_answer *answer)
{
    const struct recommend_advice *best = &answer->advice[0];
    for (size_t i = 1; i < answer->advice_count; i++) {
        if (decision_score(answer->goal, &answer->advice[i].contender) <
            decision_score(answer->goal, &best->contender)) {
            best = &answer->advice[i];
        }
    }
    return best;
}

/* All were measured, and none is worth it. */
static void note_best(const struct recommend_answer *answer)
{
    const struct recommend_advice *best = find_best(answer);
    const struct contender *contender = &best->contender;
    double score = decision_score(answer->goal, contender);
    enum advice_measure breach = decision_breach(answer->goal, contender);
    char but[SENTENCE_BYTES] = "";
    if (score <= -answer->goal->least && breach != ADVICE_MEASURE_COUNT) {
        (void)snprintf(but, sizeof(but), ", but makes the %s worse by %.1f %%",
                       recommend_measures[breach].label, 100 * contender->changes[breach].value);
    } else if (score <= -answer->goal->least) {
        (void)snprintf(but, sizeof(but), ", but measurements vary by more than that");
    }
    out_note(answer->out,
             "no change of a single site (a reserve, an arena) is worth it on top of '%s': %zu "
             "replayed, and the best (%s: %s) changes what counts by %+.1f %%%s",
             answer->advice_base->label, answer->advice_count, best->function,
             kind_words[best->kind], 100 * score, but);
}

void recommend_print_advice(struct recommend_answer *answer)
{
    struct out *out = answer->out;
    size_t worth_count = 0;
    size_t unknown_count = 0;
    if (!answer->has_advice) {
        return;
    }
    for (size_t i = 0; i < answer->advice_count; i++) {
        worth_count += answer->advice[i].is_worth_it;
        unknown_count += !answer->advice[i].is_known;
    }
    if (worth_count > 0 || out_is_json(out)) {
        out_begin_table(out, "site_advice", "Code: what would gain on top of that allocator");
        for (size_t i = 0; i < answer->advice_count; i++) {
            if (answer->advice[i].is_worth_it) {
                print_row(answer, &answer->advice[i]);
            }
        }
        out_end_table(out);
    }
    if (worth_count > 0) {
        out_note(
            out,
            "changes of the code are measured on '%s', between two replays as it was recorded: "
            "a reserve by leaving out the reallocs that it spares, an own arena by leaving out "
            "the blocks and counting them as packed, a frame arena by the frame policy, with "
            "frames that end where they did",
            answer->advice_base->label);
    } else if (answer->advice_count == 0 && !answer->is_advice_cut) {
        out_note(out,
                 "no change of a single site (a reserve, an arena) is worth it on top "
                 "of '%s': at none could enough be gained",
                 answer->advice_base->label);
    } else if (unknown_count == 0 && !answer->is_advice_cut) {
        note_best(answer);
    }
    if (unknown_count > 0) {
        out_note(out,
                 "not measured, since the time was up or the replay failed: %zu single sites where "
                 "a reserve or an "
                 "arena could gain",
                 unknown_count);
    }
    if (answer->is_advice_cut) {
        out_note(out, "%s single sites were looked at: the time was up (--time-limit)",
                 answer->advice_count == 0 ? "no" : "not all");
    }
}
