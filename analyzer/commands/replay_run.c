/*
 * replay_run.c - the recording compiled and played in rounds (replay_run in replay_answer.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../catalog/preload.h"
#include "../replay/companion.h"
#include "../replay/compile.h"
#include "replay_answer.h"

static void show_compiling(void *context, uint64_t done_count)
{
    struct replay_answer *replay = context;
    term_progress_update(&replay->progress, done_count,
                         replay->process->allocation_count + replay->process->free_count);
}

static void show_round(void *context, uint64_t done_count, uint64_t total_count)
{
    struct replay_answer *replay = context;
    term_progress_update(&replay->progress, done_count, total_count);
}

static enum rounds_mode rounds_mode_of(int mode)
{
    if (mode == REPLAY_VIRTUAL) {
        return ROUNDS_VIRTUAL;
    }
    return mode == REPLAY_SERIAL ? ROUNDS_SERIAL : ROUNDS_THREADS;
}

/* Whose purging goes by the clock, and by no thread or cycle counter of its own, must be known. */
static void check_clock(struct replay_candidate *candidate)
{
    struct err err;
    if (!candidate->is_lost && candidate->allocator.kind != ALLOCATOR_JEMALLOC) {
        (void)err_set(&err, ENOTSUP, "mode virtual is known to be right for jemalloc alone");
        replay_candidate_lose(candidate, &err);
    }
}

size_t replay_recorded_place(const struct replay_answer *replay)
{
    const char *recorded = replay->process->allocator; /* the path of its library */
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_candidate *candidate = &replay->candidates[i];
        const char *mark =
            candidate->allocator.kind == ALLOCATOR_GLIBC ? "libc.so" : candidate->name;
        if (strstr(recorded, mark) != NULL && !candidate->is_lost &&
            replay->settings->variables.count == 0) {
            return i;
        }
    }
    return replay->count;
}

/* Sets the rounds' touch share. */
static int calibrate(struct replay_answer *replay, struct rounds_settings *rounds, struct err *err)
{
    size_t place = replay_recorded_place(replay);
    if (place == replay->count) {
        return err_set(err, ENODATA,
                       "cannot calibrate: --touch calibrated needs the allocator that was recorded "
                       "(%s) among those replayed, without --env",
                       replay->process->allocator);
    }
    term_progress_begin(&replay->progress, stderr, "calibrating");
    int result = calibration_find(replay->trace, replay->process, rounds,
                                  &replay->candidates[place], &replay->calibration, err);
    term_progress_end(&replay->progress);
    rounds->touch_share = replay->calibration.fit.share;
    return result;
}

static int run_rounds(struct replay_answer *replay, int script_fd, struct err *err)
{
    const struct replay_settings *settings = replay->settings;
    char program[PATH_MAX];
    int result = preload_find_file("allocaudit-replay", program, sizeof(program), err);
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < replay->count; i++) {
        replay_candidate_check(&replay->candidates[i], program);
        if (replay->mode == REPLAY_VIRTUAL) {
            check_clock(&replay->candidates[i]);
        }
    }
    if (replay->mode == REPLAY_AUTO) {
        replay->mode = replay->head.began_count > 1 ? REPLAY_DEPS : REPLAY_SERIAL;
    }
    struct rounds_settings rounds = {
        .program = program,
        .companion = companion_find(replay->trace),
        .script_fd = script_fd,
        .head = &replay->head,
        .mode = rounds_mode_of(replay->mode),
        .speed = replay->mode == REPLAY_PACED ? (double)settings->speed : 0,
        .touch_share = settings->touch == REPLAY_TOUCH_NONE ? 0 : 1,
        .repetition_count = (unsigned)settings->repetition_count,
        .watcher = show_round,
        .context = replay,
    };
    result = settings->touch == REPLAY_TOUCH_CALIBRATED ? calibrate(replay, &rounds, err) : 0;
    if (result < 0) {
        return result;
    }
    term_progress_begin(&replay->progress, stderr, "replaying");
    result = rounds_run(&rounds, replay->candidates, replay->outcomes, replay->count, err);
    term_progress_end(&replay->progress);
    return result;
}

int replay_run(struct replay_answer *replay, struct err *err)
{
    const char *folder = getenv("TMPDIR");
    const struct compile_settings settings = {
        .process_id = replay->process->id,
        .folder = folder != NULL && folder[0] == '/' ? folder : "/tmp",
        .watcher = show_compiling,
        .context = replay,
    };
    term_progress_begin(&replay->progress, stderr, "compiling");
    int fd = compile_process(replay->trace, &settings, &replay->head, err);
    term_progress_end(&replay->progress);
    if (fd < 0) {
        return fd;
    }
    int result = run_rounds(replay, fd, err);
    (void)close(fd);
    return result;
}
