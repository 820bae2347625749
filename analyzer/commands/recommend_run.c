/*
 * recommend_run.c - the recording replayed on one allocator after the other, until the time is up
 * or all are tried, and the best of them side by side (recommend_run in recommend_answer.h).
 */
#include <errno.h>
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
#include "recommend_replay.h"

#define TOUCH_TOLERANCE 1.05 /* of the recorded peak, which was sampled */

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

uint64_t recommend_time_left_ns(const struct recommend_replay *replay)
{
    uint64_t used_ns = monotonic_ns() - replay->began_ns;
    uint64_t limit_ns = replay->answer->settings->limit_s * 1000000000 + replay->extra_ns;
    return used_ns < limit_ns ? limit_ns - used_ns : 0;
}

bool recommend_is_time_left(const struct recommend_replay *replay, uint64_t needed_ns)
{
    return needed_ns <= recommend_time_left_ns(replay);
}

bool recommend_watch_reading(void *context, uint64_t done_count, uint64_t total_count)
{
    struct recommend_replay *replay = context;
    term_progress_update(&replay->answer->progress, done_count, total_count);
    return recommend_time_left_ns(replay) > 0;
}

int recommend_play_once(struct recommend_replay *replay, struct recommend_tried *tried,
                        struct err *err)
{
    uint64_t began_ns = monotonic_ns();
    replay->rounds.repetition_count = 1;
    int result = rounds_run(&replay->rounds, &tried->candidate, &tried->outcome, 1, err);
    if (result == 0) {
        result = recommend_measure_extremes(replay, tried, err);
    }
    uint64_t took_ns = monotonic_ns() - began_ns;
    replay->round_ns = replay->round_ns == 0 ? took_ns : replay->round_ns;
    replay->done_count++;
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
        result = recommend_play_once(replay, &answer->tried[0], err);
    }
    return result;
}

static int play_recorded(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    struct recommend_tried *recorded = &answer->tried[0];
    int result = 0;
    if (!recorded->candidate.is_lost) {
        result = recommend_play_once(replay, recorded, err);
    }
    if (result == 0 && recorded->candidate.is_lost) {
        return recommend_say_no(
            answer, RECOMMEND_INSUFFICIENT,
            str_printf(&answer->why,
                       "the allocator that it was recorded on cannot be replayed here: "
                       "%s",
                       recorded->candidate.problem.text));
    }
    return result == 0 ? fit_touch(replay, err) : result;
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

int recommend_replay_recorded(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    check_recorded(replay);
    int result = play_recorded(replay, err);
    answer->has_replays = result == 0 && answer->verdict != RECOMMEND_INSUFFICIENT;
    if (answer->has_replays) {
        result = recommend_judge_headroom(answer);
        recommend_compare(answer, &answer->tried[0]);
    }
    return result;
}

int recommend_compile(struct recommend_answer *answer, struct recommend_variant variant,
                      struct script_head *out_head, struct err *err)
{
    const char *folder = getenv("TMPDIR");
    const struct compile_settings settings = {
        .process_id = answer->process->id,
        .folder = folder != NULL && folder[0] == '/' ? folder : "/tmp",
        .neutral = variant.neutral,
        .arena = variant.arena,
        .watcher = show_calls,
        .context = answer,
    };
    term_progress_begin(&answer->progress, stderr, "compiling");
    int fd = compile_process(answer->trace, &settings, out_head, err);
    term_progress_end(&answer->progress);
    return fd;
}

int recommend_replay_begin(struct recommend_replay *replay, struct recommend_answer *answer,
                           struct err *err)
{
    *replay = (struct recommend_replay){.answer = answer, .script_fd = -1};
    answer->verdict = RECOMMEND_CHANGE; /* until something speaks against it */
    int result = recommend_add_recorded(answer, err);
    if (result == 0) {
        replay->script_fd =
            recommend_compile(answer, (struct recommend_variant){0}, &answer->head, err);
        result = replay->script_fd < 0 ? replay->script_fd : 0;
    }
    if (result == 0) {
        result =
            preload_find_file("allocaudit-replay", replay->program, sizeof(replay->program), err);
    }
    answer->has_threads = answer->head.began_count > 1;
    answer->has_mean = !answer->has_threads;
    answer->touch_share = 1;
    replay->began_ns = monotonic_ns();
    replay->rounds = (struct rounds_settings){
        .program = replay->program,
        .companion = companion_find(answer->trace),
        .script_fd = replay->script_fd,
        .head = &answer->head,
        .mode = answer->has_threads ? ROUNDS_THREADS : ROUNDS_SERIAL,
        .touch_share = 1,
        .watcher = show_step,
        .context = replay,
    };
    (void)remedies(&replay->total_count);
    return result;
}

void recommend_replay_end(struct recommend_replay *replay)
{
    if (replay->script_fd >= 0) {
        (void)close(replay->script_fd);
    }
}

static int try_and_decide(struct recommend_replay *replay, struct err *err)
{
    struct recommend_answer *answer = replay->answer;
    int result = recommend_replay_recorded(replay, err);
    if (result < 0 || answer->verdict != RECOMMEND_CHANGE) {
        return result;
    }
    result = recommend_try_all(replay, false, err);
    if (result == 0) {
        result = recommend_try_all(replay, true, err);
    }
    if (result == 0) {
        result = recommend_play_finals(replay, err);
    }
    if (result == 0) {
        result = recommend_decide(answer);
    }
    if (result == 0 && answer->settings->is_why_wanted && answer->advised != NULL) {
        result = recommend_find_causes(replay, err);
    }
    return result;
}

int recommend_run(struct recommend_answer *answer, struct err *err)
{
    struct recommend_replay replay;
    int result = recommend_replay_begin(&replay, answer, err);
    if (result == 0) {
        term_progress_begin(&answer->progress, stderr, "trying allocators");
        result = try_and_decide(&replay, err);
        if (result == 0 && answer->has_replays) {
            result = recommend_find_advice(&replay, err);
        }
        term_progress_end(&answer->progress);
    }
    recommend_replay_end(&replay);
    return result;
}
