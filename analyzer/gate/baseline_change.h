/*
 * baseline_change.h - what a recording does otherwise than its baseline, figure by figure.
 *
 * A figure that differed between the recordings of the baseline may leave their range by five times
 * its width. Shown and not judged: the bytes that realloc moved, which follow the addresses that
 * the heap happens to have; with more than one thread the peak, which follows their timing; and
 * leaks where only one side knows their kinds.
 * Single thread.
 */
#ifndef ALLOCAUDIT_BASELINE_CHANGE_H
#define ALLOCAUDIT_BASELINE_CHANGE_H

#include "baseline.h"

enum change_kind {
    CHANGE_NONE,
    CHANGE_MORE,
    CHANGE_LESS,
    CHANGE_UNJUDGED, /* it may vary */
};

struct baseline_change {
    enum change_kind kind;
    enum gate_metric metric;
    struct baseline_figure old;
    struct baseline_figure now;
    const char *unjudged_why; /* of CHANGE_UNJUDGED */
    /* The site that moved most in that direction; path NULL: none did. Both baselines' texts. */
    const char *site_path;
    struct baseline_figure site_old;
    struct baseline_figure site_now;
    uint32_t site_stack_id; /* in the recording; 0: it is not there any more */
};

/* What of several recordings speaks for itself: the least of what is more, the most of what is
 * less. */
static inline uint64_t change_now(const struct baseline_change *change)
{
    return change->now.most < change->old.least ? change->now.most : change->now.least;
}

/*
 * Compares recordings with older ones: what is more, or less, in each of them. tolerance: "1%" or
 * an amount, by which a figure may leave its range; NULL: exact. Returns 0, or -EINVAL where the
 * tolerance is none, or where they are of different programs.
 */
int baseline_compare(const struct baseline *old, const struct baseline *now, const char *tolerance,
                     struct baseline_change out_changes[GATE_METRIC_COUNT], struct err *err);

#endif
