/*
 * goal.h - what a recommendation is to better, how changes are weighed against each other, and how
 * much worse anything else may become for it.
 *
 * A change is a share of the whole program's figure: -0.1 of the peak is a tenth less resident
 * memory, -0.1 of the CPU time a tenth less of all that the program used. No state.
 */
#ifndef ALLOCAUDIT_GOAL_H
#define ALLOCAUDIT_GOAL_H

#include <stdbool.h>

enum advice_measure {
    ADVICE_PEAK,  /* resident bytes at the peak */
    ADVICE_MEAN,  /* resident bytes, on average over the recorded time */
    ADVICE_CPU,   /* CPU time in ns */
    ADVICE_TAIL,  /* the call to malloc that one in a thousand exceeds, in ns */
    ADVICE_WORST, /* the longest call of any kind, in ns: a share of itself, as is the tail */
    ADVICE_HEAP,  /* most bytes that the heap holds, whether touched or not: a share of itself */
    ADVICE_MEASURE_COUNT
};

enum advice_goal {
    ADVICE_BALANCED,
    ADVICE_MEMORY,
    ADVICE_SPEED,
    ADVICE_LATENCY,
    ADVICE_REALTIME,
    ADVICE_EMBEDDED,
    ADVICE_GOAL_COUNT
};

#define ADVICE_GOAL_WORDS "balanced", "memory", "speed", "latency", "realtime", "embedded"

struct goal {
    const char *word;
    double weights[ADVICE_MEASURE_COUNT]; /* together 1 */
    double limits[ADVICE_MEASURE_COUNT];  /* a worse change rules a candidate out */
    double least;                         /* what a change must gain, weighed, to be advised */
    bool is_absolute; /* what counts is no share of the program: it may be small and still count */
};

/* A headroom below this, in memory and in time, is none. */
#define ADVICE_HEADROOM_LEAST 0.03

const struct goal *goal_of(enum advice_goal goal);

#endif
