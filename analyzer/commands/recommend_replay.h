/*
 * recommend_replay.h - the parts of recommend_run(), each in a file of its own. For recommend_*.c,
 * and for tune_*.c, which begins as they do.
 *
 * Functions return 0 or a negative errno if they return int. Single thread.
 */
#ifndef ALLOCAUDIT_RECOMMEND_REPLAY_H
#define ALLOCAUDIT_RECOMMEND_REPLAY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "../replay/frame_arena.h"
#include "../replay/neutral.h"
#include "recommend_answer.h"

enum {
    RECOMMEND_FINALISTS = 3,
};

struct recommend_replay {
    struct recommend_answer *answer;
    struct rounds_settings rounds;
    int script_fd; /* -1: none */
    char program[PATH_MAX];
    uint64_t began_ns;
    uint64_t extra_ns;   /* that may be used beyond --time-limit */
    uint64_t round_ns;   /* of the recorded one; some are slower */
    uint64_t reading_ns; /* of all calls, by analyses */
    uint64_t done_count;
    uint64_t total_count;
};

/* ---- recommend_run.c: one replay -------------------------------------------------------------
 */

/* A recording that is compiled otherwise than it was made; zeroed: as it was made. */
struct recommend_variant {
    const struct neutral *neutral;   /* taken out */
    const struct frame_arena *arena; /* kept in frame arenas */
};

/* Compiles the recording. Returns a file descriptor, which is the caller's, or a negative errno as
 * compile_process() does. */
int recommend_compile(struct recommend_answer *answer, struct recommend_variant variant,
                      struct script_head *out_head, struct err *err);

/* Compiles the recording and names the recorded allocator, tried[0]. Call recommend_replay_end()
 * afterwards, whatever it returns. */
int recommend_replay_begin(struct recommend_replay *replay, struct recommend_answer *answer,
                           struct err *err);
void recommend_replay_end(struct recommend_replay *replay);

/* Replays it on the recorded allocator, with as much touched as the program did, and says no where
 * that shows nothing to win; else the verdict stays RECOMMEND_CHANGE. */
int recommend_replay_recorded(struct recommend_replay *replay, struct err *err);

uint64_t recommend_time_left_ns(const struct recommend_replay *replay);
bool recommend_is_time_left(const struct recommend_replay *replay, uint64_t needed_ns);

/* An analysis_watcher, of a struct recommend_replay: as long as time is left. */
bool recommend_watch_reading(void *context, uint64_t done_count, uint64_t total_count);

int recommend_play_once(struct recommend_replay *replay, struct recommend_tried *tried,
                        struct err *err);

/* ---- recommend_candidates.c ------------------------------------------------------------------
 */

/* The recorded allocator with the settings that it was recorded with. */
int recommend_add_recorded(struct recommend_answer *answer, struct err *err);

/* Adds "NAME=VALUE" of those that the program was recorded with, but for those that set the same
 * variable as one of `pairs` (NULL-ended), which come first. */
void recommend_join_pairs(const struct recommend_answer *answer, const char *allocator,
                          const char *const *pairs, struct recommend_tried *tried);

/* Replays once what suits goal and program: allocators, or more settings of the best of them. */
int recommend_try_all(struct recommend_replay *replay, bool has_variants, struct err *err);

/* ---- recommend_changes.c ---------------------------------------------------------------------
 */

/* The heap's mean over the program's life: also behind the last call, where a replay ends. */
struct round_spread recommend_mean_of(const struct recommend_answer *answer,
                                      const struct outcome *outcome);

/* Fills the contender from its outcome and the recorded allocator's, which is tried[0]'s or that
 * of another measurement. */
void recommend_compare_to(const struct recommend_answer *answer,
                          const struct recommend_tried *recorded, struct recommend_tried *tried);
void recommend_compare(struct recommend_answer *answer, struct recommend_tried *tried);

/* ---- recommend_extremes.c --------------------------------------------------------------------
 */

/* What the goal counts beyond the outcome: once more, if it was measured before. */
int recommend_measure_extremes(struct recommend_replay *replay, struct recommend_tried *tried,
                               struct err *err);

/* ---- recommend_finals.c ----------------------------------------------------------------------
 */

/* Replays all of them so often, in turn; those that are lost stay so. */
int recommend_play_several(struct recommend_replay *replay, struct recommend_tried **tried,
                           size_t count, unsigned repetitions, struct err *err);

int recommend_play_finals(struct recommend_replay *replay, struct err *err);

/* ---- recommend_verdict.c ---------------------------------------------------------------------
 */

/* Passes `result` on. */
int recommend_say_no(struct recommend_answer *answer, enum recommend_verdict verdict, int result);

/* Says no where no allocator could win anything. */
int recommend_judge_headroom(struct recommend_answer *answer);

/* Says which to advise, or why none. */
int recommend_decide(struct recommend_answer *answer);

/* ---- recommend_why.c -------------------------------------------------------------------------
 */

/* Fills causes: how much of the advised one's gain is left without each feature of the program. */
int recommend_find_causes(struct recommend_replay *replay, struct err *err);

/* ---- recommend_choice.c ----------------------------------------------------------------------
 */

/* Fills advice with what could be worth measuring. -ECANCELED: the time was up. */
int recommend_choose_advice(struct recommend_replay *replay, struct err *err);

/* ---- recommend_advice.c ----------------------------------------------------------------------
 */

/* Fills advice: what changes of single call sites gain on top of the best stock allocator. */
int recommend_find_advice(struct recommend_replay *replay, struct err *err);

#endif
