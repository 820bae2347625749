/*
 * rounds.h - the runs of all candidates, one after the other and round by round, so that a machine
 * that is slow for a while is slow for all of them.
 *
 * A round is two runs of each candidate: one that reads how much memory is in use, and one that
 * times each call. Single thread.
 */
#ifndef ALLOCAUDIT_ROUNDS_H
#define ALLOCAUDIT_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay_candidate.h"
#include "resident_curve.h"
#include "script.h"

enum rounds_mode {
    ROUNDS_SERIAL,  /* one thread does everything, in the recorded order */
    ROUNDS_VIRTUAL, /* the same, and clocks show the recorded time */
    ROUNDS_THREADS, /* a thread for each recorded one */
};

/* Of several runs. */
struct round_spread {
    double median;
    double min;
    double max;
};

/* What a candidate did, over all its runs. Memory is the heap's: what the replay itself has in use
 * before its first call is taken off, as it is under plain glibc. */
struct outcome {
    uint64_t run_count;    /* 0: it is lost */
    uint64_t failed_count; /* calls that gave no memory, in the worst run */
    uint64_t missed_count; /* blocks that were therefore not there to be freed */
    struct round_spread heap_peak_bytes;
    struct round_spread
        private_peak_bytes; /* without what is mapped from files, as the library's code */
    struct round_spread heap_mean_bytes;
    struct round_spread heap_end_bytes;
    struct round_spread heap_at_peak_bytes; /* when most requested bytes were live; 0: not known */
    struct round_spread fault_count;
    struct round_spread cpu_ns;
    struct round_spread wall_ns;
    uint64_t call_counts[PLAYER_CALL_COUNT];
    struct round_spread p50_ns[PLAYER_CALL_COUNT];
    struct round_spread p99_ns[PLAYER_CALL_COUNT];
    struct round_spread p999_ns[PLAYER_CALL_COUNT];
    struct round_spread max_ns[PLAYER_CALL_COUNT];
};

/* Called before each run. */
typedef void rounds_watcher(void *context, uint64_t done_count, uint64_t total_count);

struct rounds_settings {
    const char *program;   /* allocaudit-replay */
    const char *companion; /* a library that the program had, too, for LD_PRELOAD; "": none */
    int script_fd;
    const struct script_head *head;
    enum rounds_mode mode;
    double speed;       /* 0: as fast as it goes */
    double touch_share; /* of each block, from its start: 0 nothing, 1 all */
    unsigned repetition_count;
    rounds_watcher *watcher; /* NULL: nobody watches */
    void *context;
};

/*
 * Runs all candidates that are not lost and fills their outcomes; one that crashes, or whose calls
 * are not as many as the script holds, is lost from there on. Returns 0, -ENOMEM, or another
 * negative errno if the replay cannot run at all.
 */
int rounds_run(const struct rounds_settings *settings, struct replay_candidate *candidates,
               struct outcome *out_outcomes, size_t count, struct err *err);

/*
 * One serial replay of a candidate with this touch share, beside the rounds. Returns 0 and
 * *out_curve is to be ended with resident_curve_fini(), or a negative errno.
 */
int rounds_play_curve(const struct rounds_settings *settings,
                      const struct replay_candidate *candidate, double touch_share,
                      struct resident_curve *out_curve, struct err *err);

/*
 * The call that takes longest, as far as it does so in each of several serial replays, beside the
 * rounds: what others on the machine did to a call is not in it. Returns 0 and *out_ns, or a
 * negative errno; a candidate that crashes gives -ECHILD.
 */
int rounds_play_worst(const struct rounds_settings *settings,
                      const struct replay_candidate *candidate, uint64_t *out_ns, struct err *err);

#endif
