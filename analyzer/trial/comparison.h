/*
 * comparison.h - one candidate against the baseline: how large the difference is, and whether it
 * is one.
 *
 * Differences are taken within a round, so that what slows down a whole round cancels out.
 */
#ifndef ALLOCAUDIT_COMPARISON_H
#define ALLOCAUDIT_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>

#include "interval.h"
#include "measurement.h"

enum verdict {
    VERDICT_BASELINE,
    VERDICT_TOO_FEW,       /* rounds for an interval: nothing can be said */
    VERDICT_NO_DIFFERENCE, /* none that can be told from chance, or one too small to count */
    VERDICT_LESS,          /* of one metric */
    VERDICT_MORE,
    VERDICT_BETTER, /* of a candidate: less of some goal, more of none */
    VERDICT_WORSE,
    VERDICT_MIXED, /* less of one goal, more of another */
};

struct comparison {
    struct interval value;
    struct interval difference; /* to the baseline, in the unit of the value */
    double baseline;            /* the baseline's median */
    enum verdict verdict;
};

/*
 * Compares the figures of `count` rounds, one each of the candidate and of the baseline, in the
 * order of the rounds. A difference counts if its interval leaves out zero, it is at least
 * threshold_pct of the baseline, and at least comparison_least(metric). `scratch` has room for
 * `count` more values.
 */
struct comparison comparison_make(const double *values, const double *baseline, size_t count,
                                  enum metric metric, double threshold_pct, double *scratch);

/* The smallest difference of a metric that means anything: the kernel's own counting is not exact.
 */
double comparison_least(enum metric metric);

/* In percent of the baseline's median; infinite or NaN where that is 0. */
double comparison_percent(const struct comparison *comparison, double difference);

/* True for the metrics that a candidate is judged by; the others explain. */
bool comparison_is_goal(enum metric metric);

/* The verdict on a candidate from its comparisons, METRIC_COUNT of them. */
enum verdict comparison_judge(const struct comparison *comparisons);

#endif
