/*
 * recommend_run.c - the recording replayed on one allocator after the other, until the time is up
 * or all are tried, and the best of them side by side (recommend_run in recommend_answer.h).
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../catalog/preload.h"
#include "../replay/calibration.h"
#include "../replay/companion.h"
#include "../replay/compile.h"
#include "../replay/effective.h"
#include "recommend_answer.h"

#define TOUCH_TOLERANCE 1.05 /* of the recorded peak, which was sampled */

enum {
    FINALISTS = 3,
    REPETITIONS_MAX = 5,
    REPETITIONS_MIN = 2,
    BEST_ALLOCATORS = 2, /* whose variants are tried */
};

struct recommend_replay {
    struct recommend_answer *answer;
    struct rounds_settings rounds;
    char program[PATH_MAX];
    uint64_t began_ns;
    uint64_t round_ns; /* of the recorded one; some are slower */
    uint64_t done_count;
    uint64_t total_count;
};

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void show_calls(void *context, uint64_t done_count)
{
    struct recommend_answer *answer = context;
    term_progress_update(&answer->progress, done_count, answer->evidence.call_count);
}

static void show_step(void *context, uint64_t done_count, uint64_t total_count)
{
    struct recommend_replay *replay = context;
    (void)total_count;
    term_progress_update(&replay->answer->progress, replay->done_count + done_count,
                         replay->total_count);
}

static bool is_time_left(const struct recommend_replay *replay, uint64_t needed_ns)
{
    uint64_t used_ns = monotonic_ns() - replay->began_ns;
    return used_ns + needed_ns <= replay->answer->settings->limit_s * 1000000000;
}

/* ---- who is tried -----------------------------------------------------------------------------
 */

static bool is_of_allocators(const char *name)
{
    static const char *const starts[] = {"MALLOC_", "GLIBC_TUNABLES", "MIMALLOC_", "TCMALLOC_"};
    bool is_found = false;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        is_found = is_found || strncmp(name, starts[i], strlen(starts[i])) == 0;
    }
    return is_found;
}

/* The recorded allocator with the settings that it was recorded with. */
static int add_recorded(struct recommend_answer *answer, struct err *err)
{
    struct recommend_tried *tried = &answer->tried[answer->tried_count++];
    const char *library = answer->process->allocator;
    bool is_glibc = env_lint_allocator_of(library) == ENV_LINT_GLIBC;
    size_t count = 0;
    (void)snprintf(tried->name, sizeof(tried->name), "%s", is_glibc ? "glibc" : library);
    for (size_t i = 0; i < answer->trace->variable_count && count < REPLAY_CANDIDATE_PAIRS_MAX;
         i++) {
        const struct environment_row *variable = &answer->trace->variables[i];
        struct str *pair = &answer->recorded_pairs[count];
        if (!is_of_allocators(variable->name)) {
            continue;
        }
        if (str_printf(pair, "%s=%s", variable->name, variable->value) < 0) {
            return err_set_errno(err, ENOMEM, "cannot recommend");
        }
        tried->pairs[count++] = str_text(pair);
    }
    return replay_candidate_init(&tried->candidate, tried->name, tried->pairs, err);
}

static bool sets_same_variable(const char *pair, const char *other)
{
    size_t length = strcspn(pair, "=");
    return strncmp(pair, other, length + 1) == 0;
}

/* What the program was recorded with stays, where the remedy does not set it itself. */
static int add_remedy(struct recommend_answer *answer, const struct remedy *remedy, struct err *err)
{
    const struct recommend_tried *recorded = &answer->tried[0];
    struct recommend_tried *tried = &answer->tried[answer->tried_count];
    struct allocator allocator;
    *tried = (struct recommend_tried){.remedy = remedy};
    (void)snprintf(tried->name, sizeof(tried->name), "%s", remedy->allocator);
    if (allocators_find(remedy->allocator, &allocator, NULL) < 0) {
        return 0;
    }
    const char *library = allocator.kind == ALLOCATOR_GLIBC ? "libc.so.6" : allocator.path;
    bool is_recorded =
        env_lint_allocator_of(answer->process->allocator) == env_lint_allocator_of(library);
    if (is_recorded && remedy->pair == NULL && recorded->pairs[0] == NULL) {
        return 0;
    }
    size_t count = 0;
    for (size_t i = 0; is_recorded && !answer->has_bad_settings && remedy->pair != NULL &&
                       recorded->pairs[i] != NULL;
         i++) {
        if (!sets_same_variable(remedy->pair, recorded->pairs[i])) {
            tried->pairs[count++] = recorded->pairs[i];
        }
    }
    if (remedy->pair != NULL && count < REPLAY_CANDIDATE_PAIRS_MAX) {
        tried->pairs[count] = remedy->pair;
    }
    int result = replay_candidate_init(&tried->candidate, tried->name, tried->pairs, err);
    answer->tried_count += result == 0;
    return result;
}

/* ---- one after the other ----------------------------------------------------------------------
 */

static int play_once(struct recommend_replay *replay, struct recommend_tried *tried,
                     struct err *err)
{
    uint64_t began_ns = monotonic_ns();
    replay->rounds.repetition_count = 1;
    int result = rounds_run(&replay->rounds, &tried->candidate, &tried->outcome, 1, err);
    uint64_t took_ns = monotonic_ns() - began_ns;
    replay->round_ns = replay->round_ns == 0 ? took_ns : replay->round_ns;
    replay->done_count++;
    return result;
}

static struct change change_of(double value, double low, double high, double whole)
{
    struct change change = {.is_known = whole > 0};
    if (change.is_known) {
        change.value = value / whole;
        change.low = low / whole;
        change.high = high / whole;
    }
    return change;
}

static struct change memory_change(const struct round_spread *now, const struct round_spread *then,
                                   double whole)
{
    return change_of(then->median - now->median, then->min - now->max, then->max - now->min, whole);
}

/* Others on the machine make times longer, never shorter: the least is nearest to the truth. */
static struct change time_change(const struct round_spread *now, const struct round_spread *then,
                                 double whole)
{
    return change_of(then->min - now->min, then->min - now->median, then->median - now->min, whole);
}

/* Behind the last call, too, where a replay ends but the program went on with what it had. */
static double with_rest(const struct recommend_answer *answer, double mean_bytes, double end_bytes)
{
    double begun_ns = (double)answer->head.began_ns - (double)answer->process->started_ns;
    double called_ns = (double)answer->head.duration_ns;
    double rest_ns = fmax((double)answer->evidence.duration_ns - begun_ns - called_ns, 0);
    double all_ns = called_ns + rest_ns;
    return all_ns > 0 ? (mean_bytes * called_ns + end_bytes * rest_ns) / all_ns : mean_bytes;
}

static struct round_spread mean_of(const struct recommend_answer *answer,
                                   const struct outcome *outcome)
{
    const struct round_spread *mean = &outcome->heap_mean_bytes;
    const struct round_spread *end = &outcome->heap_end_bytes;
    return (struct round_spread){
        .median = with_rest(answer, mean->median, end->median),
        .min = with_rest(answer, mean->min, end->min),
        .max = with_rest(answer, mean->max, end->max),
    };
}

static void compare(struct recommend_answer *answer, struct recommend_tried *tried)
{
    const struct outcome *now = &answer->tried[0].outcome;
    const struct outcome *then = &tried->outcome;
    const struct evidence *evidence = &answer->evidence;
    struct change *changes = tried->contender.changes;
    tried->contender.effort = tried->remedy == NULL ? 0 : tried->remedy->effort;
    tried->contender.is_lost = tried->candidate.is_lost || then->failed_count > now->failed_count;
    if (tried->contender.is_lost) {
        return;
    }
    changes[ADVICE_PEAK] = memory_change(&now->heap_peak_bytes, &then->heap_peak_bytes,
                                         (double)evidence->rss_peak_bytes);
    /* With threads the replay's time is not the recorded one: a mean over it says nothing. */
    const struct round_spread mean_now = mean_of(answer, now);
    const struct round_spread mean_then = mean_of(answer, then);
    changes[ADVICE_MEAN] =
        memory_change(&mean_now, &mean_then, answer->has_threads ? 0 : evidence->rss_mean_bytes);
    changes[ADVICE_CPU] = time_change(&now->cpu_ns, &then->cpu_ns, (double)evidence->cpu_time_ns);
    changes[ADVICE_TAIL] = time_change(&now->p999_ns[PLAYER_MALLOC], &then->p999_ns[PLAYER_MALLOC],
                                       now->p999_ns[PLAYER_MALLOC].min);
}

static int try_remedy(struct recommend_replay *replay, const struct remedy *remedy, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    size_t count = answer->tried_count;
    int result = add_remedy(answer, remedy, err);
    if (result < 0 || answer->tried_count == count) {
        return result;
    }
    struct recommend_tried *tried = &answer->tried[count];
    replay_candidate_check(&tried->candidate, replay->program);
    if (!tried->candidate.is_lost) {
        result = play_once(replay, tried, err);
    }
    compare(answer, tried);
    return result;
}

/* The allocators of the best so far, each once. */
static size_t find_best(const struct recommend_answer *answer, const char *out_names[])
{
    size_t count = 0;
    while (count < BEST_ALLOCATORS) {
        const struct recommend_tried *best = NULL;
        for (size_t i = 0; i < answer->tried_count; i++) {
            const struct recommend_tried *tried = &answer->tried[i];
            bool is_named = tried->contender.is_lost;
            for (size_t j = 0; j < count; j++) {
                is_named = is_named || strcmp(out_names[j], tried->name) == 0;
            }
            if (!is_named && (best == NULL || decision_score(answer->goal, &tried->contender) <
                                                  decision_score(answer->goal, &best->contender))) {
                best = tried;
            }
        }
        if (best == NULL) {
            return count;
        }
        out_names[count++] = best->name;
    }
    return count;
}

static int try_all(struct recommend_replay *replay, bool has_variants, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    const char *names[BEST_ALLOCATORS] = {NULL};
    size_t name_count = has_variants ? find_best(answer, names) : 0;
    size_t count;
    const struct remedy *all = remedies(&count);
    for (size_t i = 0; i < count && answer->tried_count < RECOMMEND_TRIED_MAX; i++) {
        bool is_meant =
            all[i].is_variant == has_variants &&
            remedy_suits(&all[i], &answer->evidence, (enum advice_goal)answer->settings->goal);
        for (size_t j = 0; j < name_count; j++) {
            if (strcmp(names[j], all[i].allocator) == 0) {
                break;
            }
            is_meant = is_meant && j + 1 < name_count;
        }
        if (is_meant && !is_time_left(replay, (FINALISTS + 1) * replay->round_ns)) {
            answer->untried_count += has_variants ? 0 : 1;
        } else if (is_meant) {
            int result = try_remedy(replay, &all[i], err);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

/* ---- side by side -----------------------------------------------------------------------------
 */

/* Marks the best that the goal allows; the recorded one is always there. */
static size_t choose_finalists(struct recommend_answer *answer)
{
    size_t count = 1;
    answer->tried[0].is_final = true;
    while (count <= FINALISTS) {
        struct recommend_tried *best = NULL;
        for (size_t i = 1; i < answer->tried_count; i++) {
            struct recommend_tried *tried = &answer->tried[i];
            double score = decision_score(answer->goal, &tried->contender);
            if (!tried->contender.is_lost && !tried->is_final &&
                decision_breach(answer->goal, &tried->contender) == ADVICE_MEASURE_COUNT &&
                score < -answer->goal->least / 2 &&
                (best == NULL || score < decision_score(answer->goal, &best->contender))) {
                best = tried;
            }
        }
        if (best == NULL) {
            return count;
        }
        best->is_final = true;
        count++;
    }
    return count;
}

static unsigned repetitions_for(const struct recommend_replay *replay, size_t count)
{
    unsigned repetitions = REPETITIONS_MAX;
    while (repetitions > REPETITIONS_MIN &&
           !is_time_left(replay, repetitions * count * replay->round_ns)) {
        repetitions--;
    }
    return repetitions;
}

static int play_finals(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct replay_candidate candidates[FINALISTS + 1];
    struct outcome outcomes[FINALISTS + 1];
    struct recommend_tried *finalists[FINALISTS + 1];
    size_t count = choose_finalists(answer);
    if (count == 1) {
        return 0;
    }
    count = 0;
    for (size_t i = 0; i < answer->tried_count; i++) {
        if (answer->tried[i].is_final) {
            finalists[count] = &answer->tried[i];
            candidates[count++] = answer->tried[i].candidate;
        }
    }
    answer->repetition_count = repetitions_for(replay, count);
    replay->rounds.repetition_count = answer->repetition_count;
    replay->done_count = 0;
    replay->total_count = count * answer->repetition_count;
    int result = rounds_run(&replay->rounds, candidates, outcomes, count, err);
    for (size_t i = 0; i < count && result == 0; i++) {
        finalists[i]->outcome = outcomes[i];
        finalists[i]->candidate.is_lost = candidates[i].is_lost;
    }
    for (size_t i = 0; i < answer->tried_count && result == 0; i++) {
        compare(answer, &answer->tried[i]);
    }
    return result;
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static int say_no(struct recommend_answer *answer, enum recommend_verdict verdict, int result)
{
    answer->verdict = verdict;
    return result;
}

/* A program that uses only a part of its blocks needs less than the replay. */
static int fit_touch(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct calibration calibration;
    double heap_peak_bytes = answer->tried[0].outcome.heap_peak_bytes.median;
    if (heap_peak_bytes <= TOUCH_TOLERANCE * (double)answer->evidence.rss_peak_bytes) {
        return 0;
    }
    int result = calibration_find(answer->trace, answer->process, &replay->rounds,
                                  &answer->tried[0].candidate, &calibration, err);
    if (result == 0) {
        answer->touch_share = calibration.fit.share;
        replay->rounds.touch_share = calibration.fit.share;
        result = play_once(replay, &answer->tried[0], err);
    }
    return result;
}

static int play_recorded(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct recommend_tried *recorded = &answer->tried[0];
    int result = 0;
    if (!recorded->candidate.is_lost) {
        result = play_once(replay, recorded, err);
    }
    if (result == 0 && recorded->candidate.is_lost) {
        return say_no(answer, RECOMMEND_INSUFFICIENT,
                      str_printf(&answer->why,
                                 "the allocator that it was recorded on cannot be replayed here: "
                                 "%s",
                                 recorded->candidate.problem.text));
    }
    return result == 0 ? fit_touch(replay, err) : result;
}

static int judge_headroom(struct recommend_answer *answer)
{
    const struct outcome *now = &answer->tried[0].outcome;
    const struct evidence_heap heap = {
        .peak_bytes = now->heap_peak_bytes.median,
        .mean_bytes = answer->has_threads ? 0 : mean_of(answer, now).median,
    };
    answer->headroom = evidence_headroom(&answer->evidence, &heap);
    if (answer->settings->goal == ADVICE_LATENCY || !headroom_is_none(&answer->headroom)) {
        return 0;
    }
    return say_no(answer, RECOMMEND_NO_CHANGE,
                  str_printf(&answer->why,
                             "there is nothing to win: %.1f %% of its memory is lost by the "
                             "allocator at the peak, %.1f %% on average, and %.1f %% of its CPU "
                             "time is spent in it; below %.0f %% no allocator can be worth it",
                             100 * answer->headroom.peak, 100 * answer->headroom.mean,
                             100 * answer->headroom.cpu, 100 * ADVICE_HEADROOM_LEAST));
}

static int explain_no(struct recommend_answer *answer)
{
    static const char *const measures[] = {"peak", "mean memory", "CPU time", "tail"};
    const struct decision *decision = &answer->decision;
    if (decision->best == answer->tried_count - 1) {
        answer->verdict = RECOMMEND_INSUFFICIENT;
        return str_append(&answer->why, answer->untried_count > 0
                                            ? "only what was recorded could be replayed"
                                            : "no other allocator could be replayed: are jemalloc, "
                                              "tcmalloc or mimalloc installed?");
    }
    const struct recommend_tried *best = &answer->tried[decision->best + 1];
    enum advice_measure breach = decision_breach(answer->goal, &best->contender);
    if (decision->score > -answer->goal->least) {
        return str_printf(
            &answer->why,
            "the best of %zu tried (%s) changes what counts for '%s' by %+.1f %%, and "
            "less than -%.0f %% is not worth a change",
            answer->tried_count - 1, best->remedy->label, answer->goal->word, 100 * decision->score,
            100 * answer->goal->least);
    }
    if (breach != ADVICE_MEASURE_COUNT) {
        return str_printf(&answer->why,
                          "the best (%s) gains %.1f %%, but makes the %s worse by %.1f %%",
                          best->remedy->label, -100 * decision->score, measures[breach],
                          100 * best->contender.changes[breach].value);
    }
    return str_printf(&answer->why,
                      "the best (%s) gains %.1f %%, but measurements vary by more than that",
                      best->remedy->label, -100 * decision->score);
}

static int decide(struct recommend_answer *answer)
{
    struct contender contenders[RECOMMEND_TRIED_MAX];
    size_t count = answer->tried_count - 1;
    bool has_finals = answer->repetition_count > 0;
    for (size_t i = 0; i < count; i++) {
        contenders[i] = answer->tried[i + 1].contender;
        contenders[i].is_lost |= has_finals && !answer->tried[i + 1].is_final;
    }
    answer->decision = decision_make(answer->goal, contenders, count);
    if (answer->decision.place < count) {
        answer->verdict = RECOMMEND_CHANGE;
        return 0;
    }
    answer->verdict = RECOMMEND_NO_CHANGE;
    int result = explain_no(answer);
    if (result == 0 && answer->untried_count > 0) {
        answer->verdict = RECOMMEND_INSUFFICIENT;
        result = str_printf(&answer->why,
                            "; but the time was up before %zu others were tried: give it a longer "
                            "--time-limit",
                            answer->untried_count);
    }
    return result;
}

/* Settings that did not take; what the program was run with is replayed all the same. */
static void check_recorded(struct recommend_replay *replay)
{
    struct recommend_answer *answer = replay->answer;
    struct replay_candidate probe = answer->tried[0].candidate;
    struct err err;
    if (probe.is_lost || probe.pairs[0] == NULL ||
        effective_check(&probe, replay->program, &err) == 0 ||
        answer->finding_count == RECOMMEND_FINDINGS_MAX) {
        return;
    }
    answer->has_bad_settings = true;
    struct env_lint_finding *finding = &answer->findings[answer->finding_count++];
    *finding = (struct env_lint_finding){.effect = ENV_LINT_IGNORED};
    (void)snprintf(finding->variable, sizeof(finding->variable), "%.*s",
                   (int)strcspn(probe.pairs[0], "="), probe.pairs[0]);
    (void)snprintf(finding->text, sizeof(finding->text), "read back from the allocator: %.200s",
                   err.text);
}

static int try_and_decide(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    check_recorded(replay);
    int result = play_recorded(replay, err);
    answer->has_replays = result == 0 && answer->verdict != RECOMMEND_INSUFFICIENT;
    if (answer->has_replays) {
        result = judge_headroom(answer);
        compare(answer, &answer->tried[0]);
    }
    if (result < 0 || answer->verdict != RECOMMEND_CHANGE) {
        return result;
    }
    result = try_all(replay, false, err);
    if (result == 0) {
        result = try_all(replay, true, err);
    }
    if (result == 0) {
        result = play_finals(replay, err);
    }
    return result < 0 ? result : decide(answer);
}

static int replay_with(struct recommend_answer *answer, int script_fd, struct err *err)
{
    struct recommend_replay replay = {.answer = answer, .began_ns = monotonic_ns()};
    int result =
        preload_find_file("allocaudit-replay", replay.program, sizeof(replay.program), err);
    if (result < 0) {
        return result;
    }
    answer->has_threads = answer->head.began_count > 1;
    answer->touch_share = 1;
    replay.rounds = (struct rounds_settings){
        .program = replay.program,
        .companion = companion_find(answer->trace),
        .script_fd = script_fd,
        .head = &answer->head,
        .mode = answer->has_threads ? ROUNDS_THREADS : ROUNDS_SERIAL,
        .touch_share = 1,
        .watcher = show_step,
        .context = &replay,
    };
    (void)remedies(&replay.total_count);
    term_progress_begin(&answer->progress, stderr, "trying allocators");
    result = try_and_decide(&replay, err);
    term_progress_end(&answer->progress);
    return result;
}

int recommend_run(struct recommend_answer *answer, struct err *err)
{
    const char *folder = getenv("TMPDIR");
    const struct compile_settings settings = {
        .process_id = answer->process->id,
        .folder = folder != NULL && folder[0] == '/' ? folder : "/tmp",
        .watcher = show_calls,
        .context = answer,
    };
    answer->verdict = RECOMMEND_CHANGE; /* until something speaks against it */
    int result = add_recorded(answer, err);
    int fd = -1;
    if (result == 0) {
        term_progress_begin(&answer->progress, stderr, "compiling");
        fd = compile_process(answer->trace, &settings, &answer->head, err);
        term_progress_end(&answer->progress);
        result = fd < 0 ? fd : replay_with(answer, fd, err);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return result;
}
