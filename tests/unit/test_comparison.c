#include "../../analyzer/trial/comparison.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    ROUNDS = 8,
};

#define MS 1e6

/* A machine that is slowed down by other things, by another amount in each round. */
static const double noise_ms[ROUNDS] = {0, 40, 10, 300, 20, 5, 90, 150};

static struct comparison compare_shifted(double base_ms, double shift_ms, double threshold_pct)
{
    double baseline[ROUNDS];
    double values[ROUNDS];
    double scratch[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        baseline[i] = (base_ms + noise_ms[i]) * MS;
        values[i] = baseline[i] + (shift_ms + 0.1 * (double)i) * MS;
    }
    return comparison_make(values, baseline, ROUNDS, METRIC_WALL, threshold_pct, scratch);
}

static void comparison_difference_survives_noise_of_the_round(void **state)
{
    (void)state;

    struct comparison less = compare_shifted(100, -20, 2);
    struct comparison more = compare_shifted(100, 20, 2);

    assert_int_equal(less.verdict, VERDICT_LESS);
    assert_int_equal(more.verdict, VERDICT_MORE);
    assert_true(fabs(less.difference.median - -19.65 * MS) < 1);
    assert_true(fabs(less.baseline - 130 * MS) < 1);
    assert_true(fabs(comparison_percent(&less, less.difference.median) - -15.115) < 0.01);
    /* The values' own intervals overlap: without pairs nothing could be said. */
    assert_true(less.value.high > less.baseline);
}

static void comparison_zero_in_the_interval_is_no_difference(void **state)
{
    (void)state;
    double baseline[ROUNDS] = {100 * MS, 100 * MS, 100 * MS, 100 * MS,
                               100 * MS, 100 * MS, 100 * MS, 100 * MS};
    double values[ROUNDS] = {50 * MS, 50 * MS, 50 * MS, 50 * MS,
                             50 * MS, 50 * MS, 50 * MS, 100 * MS};
    double scratch[ROUNDS];

    struct comparison comparison =
        comparison_make(values, baseline, ROUNDS, METRIC_WALL, 2, scratch);

    assert_int_equal(comparison.verdict, VERDICT_NO_DIFFERENCE); /* 8 rounds: one is too many */
    values[ROUNDS - 1] = 99 * MS;
    comparison = comparison_make(values, baseline, ROUNDS, METRIC_WALL, 2, scratch);
    assert_int_equal(comparison.verdict, VERDICT_LESS);
}

static void comparison_below_the_threshold_is_no_difference(void **state)
{
    (void)state;

    assert_int_equal(compare_shifted(1000, -15, 2).verdict, VERDICT_NO_DIFFERENCE);
    assert_int_equal(compare_shifted(1000, -15, 1).verdict, VERDICT_LESS);
    assert_int_equal(compare_shifted(1000, 1, 0).verdict, VERDICT_MORE);
}

/* Twice as much of nearly nothing is not told. */
static void comparison_below_the_least_is_no_difference(void **state)
{
    (void)state;
    double baseline[ROUNDS];
    double values[ROUNDS];
    double scratch[ROUNDS];
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        double least = comparison_least(metric);
        for (size_t i = 0; i < ROUNDS; i++) {
            baseline[i] = least * 0.9;
            values[i] = least * 1.8;
        }

        struct comparison comparison =
            comparison_make(values, baseline, ROUNDS, metric, 2, scratch);

        assert_true(least > 0);
        assert_int_equal(comparison.verdict, VERDICT_NO_DIFFERENCE);
        values[0] = values[1] = values[2] = values[3] = values[4] = least * 2;
        comparison = comparison_make(values, baseline, ROUNDS, metric, 2, scratch);
        assert_int_equal(comparison.verdict, VERDICT_MORE);
    }
}

static void comparison_of_few_rounds_says_so(void **state)
{
    (void)state;
    const double baseline[] = {100 * MS, 100 * MS, 100 * MS, 100 * MS, 100 * MS};
    const double values[] = {1 * MS, 1 * MS, 1 * MS, 1 * MS, 1 * MS};
    double scratch[5];

    struct comparison comparison = comparison_make(values, baseline, 5, METRIC_WALL, 2, scratch);

    assert_int_equal(comparison.verdict, VERDICT_TOO_FEW);
    assert_true(comparison.difference.median == -99 * MS); /* but what was seen is told */
}

static void comparison_with_nothing_has_no_percentage(void **state)
{
    (void)state;
    const double baseline[ROUNDS] = {0};
    const double values[ROUNDS] = {40, 40, 40, 40, 40, 40, 40, 40};
    double scratch[ROUNDS];

    struct comparison comparison =
        comparison_make(values, baseline, ROUNDS, METRIC_SWITCHES, 2, scratch);

    assert_int_equal(comparison.verdict, VERDICT_MORE);
    assert_false(isfinite(comparison_percent(&comparison, comparison.difference.median)));
}

static enum verdict judge(enum verdict wall, enum verdict cpu, enum verdict peak,
                          enum verdict faults)
{
    const struct comparison comparisons[METRIC_COUNT] = {
        [METRIC_WALL] = {.verdict = wall},       [METRIC_CPU] = {.verdict = cpu},
        [METRIC_PEAK_RSS] = {.verdict = peak},   [METRIC_FAULTS] = {.verdict = faults},
        [METRIC_SWITCHES] = {.verdict = faults},
    };
    return comparison_judge(comparisons);
}

static void comparison_judge_weighs_time_and_memory_alone(void **state)
{
    (void)state;
    const enum verdict none = VERDICT_NO_DIFFERENCE;

    assert_int_equal(judge(none, none, none, none), none);
    assert_int_equal(judge(none, none, none, VERDICT_LESS), none);
    assert_int_equal(judge(none, none, none, VERDICT_MORE), none);
    assert_int_equal(judge(VERDICT_LESS, none, none, VERDICT_MORE), VERDICT_BETTER);
    assert_int_equal(judge(none, none, VERDICT_LESS, none), VERDICT_BETTER);
    assert_int_equal(judge(none, VERDICT_MORE, none, VERDICT_LESS), VERDICT_WORSE);
    assert_int_equal(judge(VERDICT_LESS, VERDICT_LESS, VERDICT_MORE, none), VERDICT_MIXED);
    assert_int_equal(judge(VERDICT_TOO_FEW, VERDICT_TOO_FEW, VERDICT_TOO_FEW, VERDICT_TOO_FEW),
                     VERDICT_TOO_FEW);
    assert_int_equal(judge(VERDICT_BASELINE, VERDICT_BASELINE, VERDICT_BASELINE, VERDICT_BASELINE),
                     VERDICT_BASELINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparison_difference_survives_noise_of_the_round),
        cmocka_unit_test(comparison_zero_in_the_interval_is_no_difference),
        cmocka_unit_test(comparison_below_the_threshold_is_no_difference),
        cmocka_unit_test(comparison_below_the_least_is_no_difference),
        cmocka_unit_test(comparison_of_few_rounds_says_so),
        cmocka_unit_test(comparison_with_nothing_has_no_percentage),
        cmocka_unit_test(comparison_judge_weighs_time_and_memory_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
