/*
 * decision.h - which of several measured candidates to advise, or none.
 *
 * A candidate is advised if it gains what the goal asks for, weighed, makes nothing else worse than
 * the goal allows, and its gain is larger than what the measurements vary by. Of two that gain
 * nearly the same the one with less effort is. No state.
 */
#ifndef ALLOCAUDIT_DECISION_H
#define ALLOCAUDIT_DECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "goal.h"

/* A change to the recorded allocator, as a share of the program's figure (goal.h). */
struct change {
    double value;
    double low;
    double high;
    bool is_known;
};

struct contender {
    struct change changes[ADVICE_MEASURE_COUNT];
    double effort;
    bool is_lost; /* could not be measured */
};

enum advice_confidence {
    CONFIDENCE_OPEN,   /* it gains what is asked for, at little more than chance */
    CONFIDENCE_LIKELY, /* it gains it at the worse end of the range, too */
    CONFIDENCE_STRONG, /* three times over */
};

/* "open", "likely", "strong". */
const char *decision_confidence_word(enum advice_confidence confidence);

/* The weighed change; below 0 is a gain. Figures that are not known do not count. */
double decision_score(const struct goal *goal, const struct contender *contender);

/* The worst and the best that the ranges leave open. */
double decision_worst_score(const struct goal *goal, const struct contender *contender);
double decision_best_score(const struct goal *goal, const struct contender *contender);

/* The first measure in which the contender becomes worse than the goal allows, or
 * ADVICE_MEASURE_COUNT. */
enum advice_measure decision_breach(const struct goal *goal, const struct contender *contender);

struct decision {
    size_t place; /* of the one to advise; count: none */
    size_t best;  /* the one with the best score, advised or not; count: none was measured */
    double score; /* of `place`, or of `best` */
    double worst; /* the same at the worse end */
    enum advice_confidence confidence;
};

struct decision decision_make(const struct goal *goal, const struct contender *contenders,
                              size_t count);

#endif
