/*
 * turn_trial.h - whether the runs of a place are turns of a loop: the second reading of turns.h.
 * Each candidate of a level is tried beside the others. Single thread.
 */
#ifndef ALLOCAUDIT_TURN_TRIAL_H
#define ALLOCAUDIT_TURN_TRIAL_H

#include <stdbool.h>

#include "../base/histogram.h"
#include "turn_nodes.h"
#include "turns.h"

enum {
    TURN_ORDER_MAX = 16, /* kids of one turn whose order is looked at */
};

/* One candidate: turns begin where its runs do. */
struct turn_trial {
    size_t kid;
    bool is_begun; /* a run of it has been seen */
    /* The turn that is going on. */
    uint64_t started_ns;
    uint64_t call_count;
    uint64_t seen_kids; /* a bit each */
    uint8_t order[TURN_ORDER_MAX];
    uint8_t order_count;
    bool has_repeat; /* a kid has had two runs */
    /* All turns that have ended. */
    uint64_t turn_count;
    uint64_t single_count; /* without repeats */
    uint64_t allocation_count;
    uint64_t turns_with[TURN_KIDS_MAX];
    uint32_t before[TURN_KIDS_MAX][TURN_KIDS_MAX]; /* turns in which one kid came before another */
    struct histogram durations_ns;
    struct histogram allocations;
};

struct turn_trials {
    const struct turn_level *level;
    struct turn_trial *trials; /* of the level's candidates */
    uint64_t kid_calls[TURN_KIDS_MAX];
    unsigned last_kid; /* as in kid_of */
};

/* Returns 0 or -ENOMEM. `level` must outlive it. */
int turn_trials_init(struct turn_trials *trials, const struct turn_level *level);

/* An allocation of the thread, in the order of time. */
void turn_trials_note(struct turn_trials *trials, size_t place, uint64_t at_ns);

/* The trial whose turns are those of a loop, with most turns; NULL: none. *out_is_loop: one looks
 * like a loop, even if it may as well be chance. */
const struct turn_trial *turn_trials_choose(const struct turn_trials *trials,
                                            const struct turn_nodes *nodes, bool *out_is_loop);

enum turn_evenness turn_trial_evenness(const struct turn_trial *trial);

void turn_trials_fini(struct turn_trials *trials);

#endif
