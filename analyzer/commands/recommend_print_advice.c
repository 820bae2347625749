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

static void format_sentence(const struct recommend_advice *advice, char *text, size_t size)
{
    char bytes[32];
    if (advice->kind == RECOMMEND_RESERVE) {
        (void)snprintf(
            text, size,
            "reserve %s before it grows: std::vector::reserve, or one malloc of that size",
            out_format_bytes((int64_t)advice->size_bytes, bytes));
    } else {
        (void)snprintf(text, size,
                       "keep these blocks in an arena of their own (%s at most), apart from those "
                       "that die",
                       out_format_bytes((int64_t)advice->arena.peak_bytes, bytes));
    }
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
    out_text(out, "evidence", NULL,
             advice->kind == RECOMMEND_RESERVE
                 ? "replayed on the base with and without it"
                 : "replayed on the base with and without the blocks, which are counted as packed");
    out_text(out, "function", "function", advice->function);
    (void)snprintf(text, sizeof(text), "%s:%" PRIu32, advice->file, advice->line);
    out_text(out, NULL, "place", advice->file[0] != '\0' ? text : "");
    out_text(out, "file", NULL, advice->file);
    out_number(out, "line", NULL, advice->line);
    format_sentence(advice, text, sizeof(text));
    out_text(out, "text", "what to write", text);
    out_end_row(out);
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
        out_note(out,
                 "changes of the code are measured on '%s': the recording with the blocks of the "
                 "site reserved at their first realloc, or left out and counted as they would lie "
                 "in an arena, between two replays as it was recorded",
                 answer->advice_base->label);
    } else if (answer->advice_count == 0) {
        out_note(out,
                 "no change of a single site (a reserve, an arena of its own) is worth it on top "
                 "of '%s': at none could enough be gained",
                 answer->advice_base->label);
    } else if (unknown_count == 0) {
        out_note(out,
                 "no change of a single site (a reserve, an arena of its own) is worth it on top "
                 "of '%s': %zu replayed, and none gains what counts",
                 answer->advice_base->label, answer->advice_count);
    }
    if (unknown_count > 0) {
        out_note(out,
                 "not measured, since the time was up or the replay failed: %zu single sites where "
                 "a reserve or an "
                 "arena could gain",
                 unknown_count);
    }
}
