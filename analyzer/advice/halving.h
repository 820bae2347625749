/*
 * halving.h - how a search among many settings spends its replays: successive halving.
 *
 * All are replayed once; the better half twice, the better quarter of them four times, until few
 * are left. So most replays go to those that may win, and each rung costs about the same. No state.
 */
#ifndef ALLOCAUDIT_HALVING_H
#define ALLOCAUDIT_HALVING_H

#include <stddef.h>
#include <stdint.h>

enum {
    HALVING_RUNGS_MAX = 8,
    HALVING_LAST = 6,            /* how many the last rung has at most */
    HALVING_REPETITIONS_MAX = 5, /* of the last rung at least so many, if the budget allows */
};

struct halving_rung {
    size_t count; /* settings that are replayed */
    unsigned repetitions;
};

struct halving_plan {
    struct halving_rung rungs[HALVING_RUNGS_MAX];
    size_t rung_count;     /* 0: the budget is too small for any */
    uint64_t replay_count; /* in all */
};

/*
 * Plans for as many of `count` settings as `budget` replays allow; in each rung `beside` others are
 * replayed just as often, for comparison.
 */
struct halving_plan halving_plan_make(size_t count, size_t beside, uint64_t budget);

#endif
