/*
 * tune_print.c - the answer of `allocaudit tune` in words and figures (tune_print in
 * tune_answer.h).
 */
#include <inttypes.h>
#include <string.h>

#include "recommend_parts.h"
#include "tune_answer.h"

enum {
    CELL_BYTES = 64,
};

static void print_names(const struct tune_answer *tune, struct out *out)
{
    char names[CELL_BYTES] = "";
    for (size_t i = 0; i < tune->name_count; i++) {
        size_t length = strlen(names);
        (void)snprintf(names + length, sizeof(names) - length, "%s%s", i > 0 ? ", " : "",
                       tune->names[i]);
    }
    out_text(out, "allocators", "searched", names);
}

/* What of the gain is the allocator's as it comes. */
static void print_share_of_allocator(const struct tune_answer *tune, struct out *out)
{
    const struct recommend_tried *advised = recommend_advised(tune->answer);
    for (size_t i = 1; i < tune->entry_count && advised != NULL; i++) {
        const struct tune_entry *entry = &tune->entries[i];
        if (entry->tuning.count == 0 && strcmp(entry->tried->name, advised->name) == 0 &&
            entry->tried != advised && !entry->tried->contender.is_lost) {
            out_percent(out, "allocator_gain_pct", "  as it comes, gains",
                        -decision_score(tune->answer->goal, &entry->tried->contender), 1);
        }
    }
}

static void print_summary(const struct tune_answer *tune, struct out *out)
{
    struct recommend_answer *answer = tune->answer;
    const struct recommend_tried *advised = recommend_advised(answer);
    out_begin_section(out, "tuning", "Tuning");
    recommend_print_verdict(answer);
    if (tune->name_count > 0) {
        print_names(tune, out);
    }
    if (advised != NULL) {
        recommend_print_do(answer, advised);
        out_percent(out, NULL, "gain, weighed", -answer->decision.score, 1);
        print_share_of_allocator(tune, out);
    }
    out_count(out, "replay_count", NULL, (int64_t)tune->replay_count);
    out_end_section(out);
}

static bool comes_before(const struct tune_answer *tune, const struct tune_entry *a,
                         const struct tune_entry *b)
{
    const struct goal *goal = tune->answer->goal;
    bool is_lost = a->tried->contender.is_lost;
    if (is_lost != b->tried->contender.is_lost) {
        return !is_lost;
    }
    if (a->is_alive != b->is_alive) {
        return a->is_alive;
    }
    if (a->repetition_count != b->repetition_count) {
        return a->repetition_count > b->repetition_count;
    }
    return decision_score(goal, &a->tried->contender) < decision_score(goal, &b->tried->contender);
}

/* Fills out_places: those of the last rung first, then those that came less far, of each the best
 * first. */
static size_t sort(const struct tune_answer *tune, size_t *out_places)
{
    size_t count = 0;
    for (size_t i = 0; i < tune->entry_count; i++) {
        const struct tune_entry *entry = &tune->entries[i];
        size_t place = count;
        if (entry->repetition_count == 0 && !entry->tried->candidate.is_lost) {
            continue;
        }
        while (place > 0 && comes_before(tune, entry, &tune->entries[out_places[place - 1]])) {
            out_places[place] = out_places[place - 1];
            place--;
        }
        out_places[place] = i;
        count++;
    }
    return count;
}

/* ---- the front --------------------------------------------------------------------------------
 */

static void print_measures(const struct tune_entry *entry, struct out *out)
{
    out_begin_list(out, "measures");
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        const struct change *change = &entry->tried->contender.changes[i];
        if (change->is_known) {
            out_begin_row(out);
            recommend_print_change(out, (enum advice_measure)i, change);
            out_end_row(out);
        }
    }
    out_end_list(out);
}

/* What is to be put before the command. */
static void print_line(const struct tune_entry *entry, const char *key, const char *label,
                       struct out *out)
{
    struct str line = {0};
    if (recommend_append_line(entry->tried, &line) == 0) {
        out_text(out, key, label, line.size_bytes == 0 ? "(nothing)" : str_text(&line));
    }
    str_fini(&line);
}

static void print_front(const struct tune_answer *tune, struct out *out)
{
    size_t order[TUNE_ENTRIES_MAX];
    size_t count = sort(tune, order);
    if (count == 0 || tune->entries[0].repetition_count < 2) {
        return;
    }
    out_begin_table(out, "front", "The front: what no other one beats");
    for (size_t i = 0; i < count; i++) {
        const struct tune_entry *entry = &tune->entries[order[i]];
        if (entry->standing.place == FRONT_ON) {
            out_begin_row(out);
            out_text(out, "label", NULL, entry->tried->label);
            out_text(out, NULL, "setting, and what it changes", entry->tried->label);
            print_line(entry, "environment_line", NULL, out);
            out_bool(out, "is_recorded", NULL, order[i] == 0);
            print_measures(entry, out);
            out_end_row(out);
        }
    }
    out_end_table(out);
    if (out_is_json(out)) {
        return;
    }
    out_begin_section(out, "lines", "What to put before the command");
    for (size_t i = 0; i < count; i++) {
        const struct tune_entry *entry = &tune->entries[order[i]];
        if (entry->standing.place == FRONT_ON) {
            print_line(entry, NULL, entry->tried->label, out);
        }
    }
    out_end_section(out);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static const char *place_word(const struct tune_entry *entry)
{
    static const char *const words[] = {
        [FRONT_ON] = "front", [FRONT_BEATEN] = "beaten", [FRONT_TIED] = "tied"};
    if (entry->tried->candidate.is_lost) {
        return "lost";
    }
    return entry->is_alive ? words[entry->standing.place] : "dropped";
}

static void print_changes(const struct change *changes, struct out *out)
{
    static const struct {
        enum advice_measure measure;
        const char *keys[3];
        const char *label;
    } columns[] = {
        {ADVICE_PEAK, {"peak_change_pct", "peak_low_pct", "peak_high_pct"}, "peak"},
        {ADVICE_MEAN, {"mean_change_pct", "mean_low_pct", "mean_high_pct"}, "mean"},
        {ADVICE_CPU, {"cpu_change_pct", "cpu_low_pct", "cpu_high_pct"}, "CPU"},
        {ADVICE_TAIL, {"tail_change_pct", "tail_low_pct", "tail_high_pct"}, "tail"},
    };
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const struct change *change = &changes[columns[i].measure];
        if (change->is_known) {
            out_percent(out, columns[i].keys[0], columns[i].label, change->value, 1);
            out_percent(out, columns[i].keys[1], NULL, change->low, 1);
            out_percent(out, columns[i].keys[2], NULL, change->high, 1);
        }
    }
}

static void print_entry(const struct tune_answer *tune, const struct tune_entry *entry,
                        struct out *out)
{
    const struct recommend_tried *tried = entry->tried;
    const struct outcome *outcome = &tried->outcome;
    out_begin_row(out);
    out_text(out, "place", "place", place_word(entry));
    out_number(out, "repetition_count", "runs", entry->repetition_count);
    if (!tried->contender.is_lost) {
        print_changes(tried->contender.changes, out);
        out_bytes(out, "heap_peak_bytes", NULL, (int64_t)outcome->heap_peak_bytes.median);
        out_bytes(out, "heap_mean_bytes", NULL, (int64_t)outcome->heap_mean_bytes.median);
        out_ns(out, "cpu_ns", NULL, (int64_t)outcome->cpu_ns.min);
        out_ns(out, "p99_ns", "p99", (int64_t)outcome->p99_ns[PLAYER_MALLOC].min);
        out_ns(out, "p999_ns", "p99.9", (int64_t)outcome->p999_ns[PLAYER_MALLOC].min);
        out_count(out, "fault_count", NULL, (int64_t)outcome->fault_count.median);
        out_percent(out, "score_pct", "weighed",
                    decision_score(tune->answer->goal, &tried->contender), 1);
    }
    out_text(out, "label", "setting", tried->label);
    out_text(out, "variables", NULL, tried->setting);
    out_text(out, "problem", NULL, tried->candidate.is_lost ? tried->candidate.problem.text : NULL);
    out_end_row(out);
}

static void print_tried(const struct tune_answer *tune, struct out *out)
{
    size_t order[TUNE_ENTRIES_MAX];
    size_t count = sort(tune, order);
    if (tune->tried_count == 0) {
        return;
    }
    out_begin_table(out, "tried", "Tried, by replay");
    for (size_t i = 0; i < count; i++) {
        print_entry(tune, &tune->entries[order[i]], out);
    }
    out_end_table(out);
}

static void print_method(const struct tune_answer *tune, struct out *out)
{
    const struct recommend_answer *answer = tune->answer;
    static const char *const clocks[] = {
        [TUNING_NO_TIME] = "at full speed, a thread for each recorded one",
        [TUNING_CLOCK_ONLY] = "at full speed, and clocks showed the recorded time",
        [TUNING_REAL_TIME] = "at the recorded times",
    };
    if (tune->tried_count == 0) {
        return;
    }
    out_note(out,
             "%" PRIu64 " replays of %" PRIu64 " calls, %s: each setting once, the better half "
             "again and again, the last of them %u times beside the recorded one",
             tune->replay_count, answer->evidence.call_count, clocks[tune->spaces[0].clock],
             answer->repetition_count);
    out_note(out, "a figure is better only if the ranges lie apart; of what no figure tells apart "
                  "the simplest is on the front");
    if (tune->untried_count > 0) {
        out_note(out, "not tried, since the time was up: %zu (--time-limit)", tune->untried_count);
    }
}

void tune_print(struct tune_answer *tune, struct out *out)
{
    struct recommend_answer *answer = tune->answer;
    answer->out = out;
    print_summary(tune, out);
    recommend_print_confirmed(answer);
    print_front(tune, out);
    print_tried(tune, out);
    if (tune->name_count > 0) {
        tune_print_space(tune, out);
    }
    recommend_print_environment(answer);
    recommend_print_confirmation(answer);
    print_method(tune, out);
    recommend_print_risks(answer);
}
