/*
 * tune_run.c - from the recorded allocator to the verdict on all settings (tune_run in
 * tune_answer.h).
 */
#include "tune_answer.h"

/* How replays are made, and so what of time they show. */
static enum tuning_clock set_mode(struct tune_answer *tune, struct recommend_replay *replay)
{
    struct recommend_answer *answer = tune->answer;
    if (tune->settings->is_paced) {
        replay->rounds.mode = ROUNDS_THREADS;
        replay->rounds.speed = 1;
        answer->has_mean = true;
        answer->has_clock = true;
        return TUNING_REAL_TIME;
    }
    if (answer->has_threads) {
        return TUNING_NO_TIME;
    }
    replay->rounds.mode = ROUNDS_VIRTUAL;
    answer->has_clock = true;
    return TUNING_CLOCK_ONLY;
}

static int say_nothing_is_worth_it(struct tune_answer *tune, const struct tune_entry *best)
{
    struct recommend_answer *answer = tune->answer;
    const struct decision *decision = &answer->decision;
    bool is_on_front = tune->entries[0].standing.place == FRONT_ON;
    const char *head = is_on_front ? "the default is on the front; no setting is worth it"
                                   : "no setting is worth a change";
    if (best == NULL) {
        return str_printf(&answer->why, "%s: none could be replayed", head);
    }
    enum advice_measure breach = decision_breach(answer->goal, &best->tried->contender);
    if (decision->score > -answer->goal->least) {
        return str_printf(&answer->why,
                          "%s: the best of %zu (%s) changes what counts for '%s' by %+.1f %%, and "
                          "less than -%.0f %% is not worth a change",
                          head, tune->tried_count - 1, best->tried->label, answer->goal->word,
                          100 * decision->score, 100 * answer->goal->least);
    }
    if (breach != ADVICE_MEASURE_COUNT) {
        return str_printf(&answer->why,
                          "%s: the best (%s) gains %.1f %% of what counts for '%s', but makes "
                          "something else worse by %.1f %%",
                          head, best->tried->label, -100 * decision->score, answer->goal->word,
                          100 * best->tried->contender.changes[breach].value);
    }
    return str_printf(&answer->why,
                      "%s: the best (%s) gains %.1f %%, but measurements vary by more than that",
                      head, best->tried->label, -100 * decision->score);
}

static int decide(struct tune_answer *tune)
{
    struct recommend_answer *answer = tune->answer;
    struct contender contenders[TUNE_ENTRIES_MAX];
    size_t count = tune->entry_count - 1;
    answer->repetition_count = tune->entries[0].repetition_count;
    if (tune->untried_count > 0 && answer->repetition_count < 2) {
        return recommend_say_no(
            answer, RECOMMEND_INSUFFICIENT,
            str_append(&answer->why, "the time was up before the best settings could be replayed "
                                     "side by side: give it a longer --time-limit"));
    }
    for (size_t i = 0; i < count; i++) {
        const struct tune_entry *entry = &tune->entries[i + 1];
        contenders[i] = entry->tried->contender;
        contenders[i].is_lost |= entry->standing.place != FRONT_ON;
    }
    answer->decision = decision_make(answer->goal, contenders, count);
    if (answer->decision.place < count) {
        answer->advised = tune->entries[answer->decision.place + 1].tried;
        return 0;
    }
    const struct tune_entry *best =
        answer->decision.best < count ? &tune->entries[answer->decision.best + 1] : NULL;
    return recommend_say_no(answer, RECOMMEND_NO_CHANGE, say_nothing_is_worth_it(tune, best));
}

static int search(struct tune_answer *tune, struct recommend_replay *replay, struct err *err)
{
    enum tuning_clock clock = set_mode(tune, replay);
    for (size_t i = 0; i < TUNE_ALLOCATORS_MAX; i++) {
        tune->spaces[i].clock = clock;
        tune->spaces[i].has_threads = tune->answer->evidence.thread_count > 1;
    }
    int result = tune_search(tune, replay, err);
    return result < 0 ? result : decide(tune);
}

int tune_run(struct tune_answer *tune, struct err *err)
{
    struct recommend_answer *answer = tune->answer;
    struct recommend_replay replay;
    int result = recommend_replay_begin(&replay, answer, err);
    if (result == 0) {
        term_progress_begin(&answer->progress, stderr, "replaying");
        result = recommend_replay_recorded(&replay, err);
        term_progress_end(&answer->progress);
    }
    if (result == 0 && answer->verdict == RECOMMEND_CHANGE) {
        term_progress_begin(&answer->progress, stderr, "trying settings");
        result = search(tune, &replay, err);
        term_progress_end(&answer->progress);
    }
    recommend_replay_end(&replay);
    if (result == 0 && answer->command != NULL && recommend_advised(answer) != NULL) {
        result = recommend_confirm(answer, err);
    }
    return result;
}
