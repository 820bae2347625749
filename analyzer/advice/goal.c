#include "goal.h"

#define NO_LIMIT 1e9

/* Thresholds are ours; docs/recommendation.md says on which programs they were settled. Of the last
 * two the one asks for bounded calls at almost any price, the other for a small heap. */
static const struct goal goals[ADVICE_GOAL_COUNT] = {
    [ADVICE_BALANCED] = {.word = "balanced",
                         .weights = {0.35, 0.15, 0.5, 0, 0, 0},
                         .limits = {0.02, 0.05, 0.01, NO_LIMIT, NO_LIMIT, NO_LIMIT},
                         .least = 0.02},
    [ADVICE_MEMORY] = {.word = "memory",
                       .weights = {0.6, 0.4, 0, 0, 0, 0},
                       .limits = {0.01, 0.02, 0.05, NO_LIMIT, NO_LIMIT, NO_LIMIT},
                       .least = 0.03},
    [ADVICE_SPEED] = {.word = "speed",
                      .weights = {0, 0, 1, 0, 0, 0},
                      .limits = {0.1, 0.1, 0, NO_LIMIT, NO_LIMIT, NO_LIMIT},
                      .least = 0.02},
    [ADVICE_LATENCY] = {.word = "latency",
                        .weights = {0, 0, 0, 1, 0, 0},
                        .limits = {0.1, 0.1, 0.02, 0, NO_LIMIT, NO_LIMIT},
                        .least = 0.1,
                        .is_absolute = true},
    [ADVICE_REALTIME] = {.word = "realtime",
                         .weights = {0, 0, 0, 0, 1, 0},
                         .limits = {4, 4, 2, NO_LIMIT, 0, NO_LIMIT},
                         .least = 0.1,
                         .is_absolute = true},
    [ADVICE_EMBEDDED] = {.word = "embedded",
                         .weights = {0, 0, 0, 0, 0, 1},
                         .limits = {NO_LIMIT, NO_LIMIT, 1, NO_LIMIT, NO_LIMIT, 0},
                         .least = 0.03,
                         .is_absolute = true},
};

const struct goal *goal_of(enum advice_goal goal)
{
    return &goals[goal];
}
