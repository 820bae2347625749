#include "comparison.h"

#include <math.h>
#include <string.h>

double comparison_least(enum metric metric)
{
    switch (metric) {
    case METRIC_WALL:
    case METRIC_CPU:
        return 100 * 1000; /* ns: what starting a process varies by */
    case METRIC_PEAK_RSS:
        return 256 * 1024; /* bytes: processors count pages apart, and add them up in batches */
    case METRIC_FAULTS:
        return 50;
    case METRIC_SWITCHES:
        return 10;
    case METRIC_COUNT:
        break;
    }
    return 0;
}

bool comparison_is_goal(enum metric metric)
{
    return metric == METRIC_WALL || metric == METRIC_CPU || metric == METRIC_PEAK_RSS;
}

double comparison_percent(const struct comparison *comparison, double difference)
{
    return difference / comparison->baseline * 100;
}

static enum verdict decide(const struct comparison *comparison, enum metric metric,
                           double threshold_pct)
{
    const struct interval *difference = &comparison->difference;
    if (!difference->has_bounds) {
        return VERDICT_TOO_FEW;
    }
    const double size = fabs(difference->median);
    const bool may_be_none = difference->low <= 0 && difference->high >= 0;
    if (may_be_none || size < comparison_least(metric) ||
        size < comparison->baseline * threshold_pct / 100) {
        return VERDICT_NO_DIFFERENCE;
    }
    return difference->median < 0 ? VERDICT_LESS : VERDICT_MORE;
}

struct comparison comparison_make(const double *values, const double *baseline, size_t count,
                                  enum metric metric, double threshold_pct, double *scratch)
{
    struct comparison comparison;
    memcpy(scratch, baseline, count * sizeof(*scratch));
    comparison.baseline = interval_of_median(scratch, count).median;
    memcpy(scratch, values, count * sizeof(*scratch));
    comparison.value = interval_of_median(scratch, count);
    for (size_t i = 0; i < count; i++) {
        scratch[i] = values[i] - baseline[i];
    }
    comparison.difference = interval_of_median(scratch, count);
    comparison.verdict = decide(&comparison, metric, threshold_pct);
    return comparison;
}

enum verdict comparison_judge(const struct comparison *comparisons)
{
    bool has_less = false;
    bool has_more = false;
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        const enum verdict verdict = comparisons[metric].verdict;
        if (verdict == VERDICT_TOO_FEW || verdict == VERDICT_BASELINE) {
            return verdict;
        }
        has_less |= comparison_is_goal(metric) && verdict == VERDICT_LESS;
        has_more |= comparison_is_goal(metric) && verdict == VERDICT_MORE;
    }
    if (has_less && has_more) {
        return VERDICT_MIXED;
    }
    if (has_less || has_more) {
        return has_less ? VERDICT_BETTER : VERDICT_WORSE;
    }
    return VERDICT_NO_DIFFERENCE;
}
