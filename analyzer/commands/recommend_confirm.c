/*
 * recommend_confirm.c - the advice tried on the program itself (recommend_confirm in
 * recommend_answer.h).
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "../trial/candidate.h"
#include "../trial/trial.h"
#include "recommend_answer.h"
#include "trial_conditions.h"
#include "trial_teller.h"

#define ADVISED "@advised"

enum {
    ENTRY_RECORDED,
    ENTRY_ADVISED,
    ENTRY_COUNT,
};

const struct recommend_tried *recommend_advised(const struct recommend_answer *answer)
{
    bool is_there = answer->verdict == RECOMMEND_CHANGE || answer->verdict == RECOMMEND_WITHDRAWN;
    return is_there ? answer->advised : NULL;
}

/* "recorded,advised@advised" and, for each of its pairs, "LABEL:NAME=VALUE". */
struct trial_words {
    struct str list;
    struct str settings[2 * REPLAY_CANDIDATE_PAIRS_MAX];
    const char *texts[2 * REPLAY_CANDIDATE_PAIRS_MAX];
    size_t count;
};

static int add_pairs(struct trial_words *words, const struct recommend_tried *tried,
                     const char *mark)
{
    int result = 0;
    for (size_t i = 0; tried->pairs[i] != NULL && result == 0; i++) {
        struct str *setting = &words->settings[words->count];
        result = str_printf(setting, "%s%s:%s", tried->name, mark, tried->pairs[i]);
        words->texts[words->count++] = str_text(setting);
    }
    return result;
}

static void end_words(struct trial_words *words)
{
    str_fini(&words->list);
    for (size_t i = 0; i < words->count; i++) {
        str_fini(&words->settings[i]);
    }
}

/* Labels of both have a mark, so that settings of one never mean the other. */
static int make_candidates(const struct recommend_tried *recorded,
                           const struct recommend_tried *advised, struct trial_words *words,
                           struct candidates *candidates, struct err *err)
{
    if (str_printf(&words->list, "%s@recorded,%s" ADVISED, recorded->name, advised->name) < 0 ||
        add_pairs(words, recorded, "@recorded") < 0 || add_pairs(words, advised, ADVISED) < 0) {
        return err_set_errno(err, ENOMEM, "cannot try the advice");
    }
    return candidates_parse(candidates, str_text(&words->list), words->texts, words->count, err);
}

int recommend_append_line(const struct recommend_tried *tried, struct str *line)
{
    static char *const no_command[] = {NULL};
    struct trial_words words = {.count = 0};
    struct candidates candidates = {0};
    int result = str_printf(&words.list, "%s" ADVISED, tried->name);
    if (result == 0) {
        result = add_pairs(&words, tried, ADVISED);
    }
    if (result == 0) {
        result =
            candidates_parse(&candidates, str_text(&words.list), words.texts, words.count, NULL);
    }
    if (result == 0) {
        result = candidate_append_command(&candidates.items[0], no_command, line);
    }
    candidates_fini(&candidates);
    end_words(&words);
    return result;
}

/* A trial's comparison as a change. What it cannot tell from chance is none. */
static struct change trial_change(const struct comparison *comparison)
{
    struct change change = {.is_known = comparison->baseline > 0};
    if (change.is_known &&
        (comparison->verdict == VERDICT_LESS || comparison->verdict == VERDICT_MORE)) {
        change.value = comparison->difference.median / comparison->baseline;
        change.low = comparison->difference.low / comparison->baseline;
        change.high = comparison->difference.high / comparison->baseline;
    }
    return change;
}

/* True if what the advice promises is mostly nothing that a trial counts. */
static bool is_unseen(const struct recommend_answer *answer, const struct contender *advised)
{
    double seen = 0;
    for (int i = 0; i < ADVICE_MEASURE_COUNT; i++) {
        bool is_counted = i == ADVICE_PEAK || i == ADVICE_CPU;
        seen += is_counted ? answer->goal->weights[i] * advised->changes[i].value : 0;
    }
    return seen > decision_score(answer->goal, advised) / 2;
}

static int judge(struct recommend_answer *answer)
{
    struct recommend_trial *trial = &answer->trial;
    const struct recommend_tried *advised = recommend_advised(answer);
    const struct contender real = {
        .changes = {[ADVICE_PEAK] = trial_change(&trial->comparisons[METRIC_PEAK_RSS]),
                    [ADVICE_CPU] = trial_change(&trial->comparisons[METRIC_CPU])}};
    double score = decision_score(answer->goal, &real);
    bool is_worse = decision_breach(answer->goal, &real) != ADVICE_MEASURE_COUNT;
    trial->is_unseen = is_unseen(answer, &advised->contender) && !is_worse && score >= 0;
    trial->holds = !is_worse && score <= -answer->goal->least / 2;
    if (trial->holds) {
        return str_append(&trial->text, "the program itself, run on both, shows the gain");
    }
    if (trial->is_unseen) {
        return str_append(&trial->text,
                          "nothing became worse; what is promised (memory on average, "
                          "or the longest calls) is nothing that a trial can see");
    }
    answer->verdict = RECOMMEND_WITHDRAWN;
    return str_append(&trial->text, is_worse ? "the program itself becomes worse in something else"
                                             : "the program itself shows no such gain");
}

static int run_trial(struct recommend_answer *answer, const struct candidates *candidates,
                     struct err *err)
{
    const struct recommend_settings *wanted = answer->settings;
    struct trial trial;
    struct trial_teller teller = {.trial = &trial};
    const struct trial_settings settings = {
        .command = answer->command,
        .input = wanted->stdin_path,
        .round_count = wanted->round_count,
        .warmup_count = 1,
        .wanted_status = (int)wanted->status,
        .echo_fd = -1,
        .listener = trial_teller_listener(&teller),
    };
    int result = trial_init(&trial, &settings, candidates, err);
    if (result == 0) {
        term_progress_begin(&teller.progress, stderr, "confirming");
        result = trial_run(&trial, err);
        term_progress_end(&teller.progress);
    }
    if (result == 0 && trial.entries[ENTRY_ADVISED].failure != NULL) {
        answer->trial.is_lost = true;
        answer->verdict = RECOMMEND_WITHDRAWN;
        result = str_printf(&answer->trial.text, "the program failed under it: %s",
                            trial.entries[ENTRY_ADVISED].failure);
    } else if (result == 0) {
        result = trial_compare(&trial, ENTRY_ADVISED, 1, answer->trial.comparisons, err);
        answer->trial.round_count = trial.round_count;
        result = result == 0 ? judge(answer) : result;
    }
    answer->trial.is_done = result == 0;
    trial_fini(&trial);
    return result;
}

int recommend_confirm(struct recommend_answer *answer, struct err *err)
{
    struct trial_words words = {.count = 0};
    struct candidates candidates = {0};
    int result =
        make_candidates(&answer->tried[0], recommend_advised(answer), &words, &candidates, err);
    for (size_t i = 0; i < candidates.count && result == 0; i++) {
        if (candidates.items[i].absence != NULL) {
            result = err_set(err, ENOPKG, "%s", candidates.items[i].absence);
        }
    }
    if (result == 0) {
        result = run_trial(answer, &candidates, err);
    }
    candidates_fini(&candidates);
    end_words(&words);
    return result;
}
