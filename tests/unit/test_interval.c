#include "../../analyzer/trial/interval.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/base/map.h"

/* Even numbers 0, 2, 4 ... in an order of no order. */
static struct interval interval_of_evens(size_t count)
{
    double *values = malloc(count * sizeof(*values));
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        values[i * 7 % count] = 2.0 * (double)i; /* no count here is a multiple of 7 but 7 itself */
    }
    struct interval interval = interval_of_median(values, count);
    for (size_t i = 1; i < count; i++) {
        assert_true(values[i - 1] <= values[i]);
    }
    free(values);
    return interval;
}

static void interval_of_odd_count_has_the_middle_value(void **state)
{
    (void)state;
    double one[] = {4};
    double three[] = {9, 1, 5};

    assert_true(interval_of_median(one, 1).median == 4);
    assert_true(interval_of_median(three, 3).median == 5);
}

static void interval_of_even_count_has_the_mean_of_the_two_in_the_middle(void **state)
{
    (void)state;
    double four[] = {9, 1, 5, 6};

    assert_true(interval_of_median(four, 4).median == 5.5);
}

/* Half to the power of 5 is 3.1 %: on each side more than the 2.5 % that may be left out. */
static void interval_of_five_or_fewer_has_no_bounds(void **state)
{
    (void)state;
    for (size_t count = 1; count < INTERVAL_COUNT_MIN; count++) {
        assert_false(interval_of_evens(count).has_bounds);
    }
    assert_true(interval_of_evens(INTERVAL_COUNT_MIN).has_bounds);
}

/* Ranks as printed tables of the sign test have them. */
static void interval_bounds_have_the_known_ranks(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        size_t rank;
    } known[] = {{6, 1},  {8, 1},  {9, 2},  {11, 2},  {12, 3},  {15, 4},
                 {16, 4}, {20, 6}, {25, 8}, {30, 10}, {50, 18}, {100, 40}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct interval interval = interval_of_evens(known[i].count);

        assert_true(interval.has_bounds);
        assert_true(interval.low == 2.0 * (double)(known[i].rank - 1));
        assert_true(interval.high == 2.0 * (double)(known[i].count - known[i].rank));
    }
}

static void interval_of_the_most_values_has_bounds_about_the_middle(void **state)
{
    (void)state;
    double values[INTERVAL_COUNT_MAX];
    for (size_t i = 0; i < INTERVAL_COUNT_MAX; i++) {
        values[i] = (double)i + 1;
    }

    struct interval interval = interval_of_median(values, INTERVAL_COUNT_MAX);

    assert_true(interval.median == 500.5);
    assert_true(interval.low == 469); /* 1000 / 2 - 1.96 * sqrt(1000) / 2 */
    assert_true(interval.high == 532);
}

static void interval_of_equal_values_is_that_value(void **state)
{
    (void)state;
    double values[] = {3, 3, 3, 3, 3, 3, 3};

    struct interval interval = interval_of_median(values, 7);

    assert_true(interval.median == 3 && interval.low == 3 && interval.high == 3);
}

/* The share of 4,000 trials whose interval holds the true median of a lopsided distribution. */
static double coverage_of(size_t count)
{
    uint64_t seed = 0;
    unsigned held = 0;
    for (unsigned trial = 0; trial < 4000; trial++) {
        double values[64];
        for (size_t i = 0; i < count; i++) {
            seed += UINT64_C(0x9e3779b97f4a7c15);
            double uniform = ((double)(map_mix(map_mix(seed)) >> 11) + 0.5) / 0x1p53;
            values[i] = -log(uniform); /* exponential: its median is log 2 */
        }
        struct interval interval = interval_of_median(values, count);
        held += interval.low <= log(2) && log(2) <= interval.high;
    }
    return held / 4000.0;
}

static void interval_holds_the_true_median_as_often_as_it_says(void **state)
{
    (void)state;
    for (size_t count = INTERVAL_COUNT_MIN; count <= 30; count++) {
        double coverage = coverage_of(count);
        if (coverage < 0.945 || coverage > 0.995) {
            fail_msg("%zu values: %.2f %%", count, coverage * 100);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interval_of_odd_count_has_the_middle_value),
        cmocka_unit_test(interval_of_even_count_has_the_mean_of_the_two_in_the_middle),
        cmocka_unit_test(interval_of_five_or_fewer_has_no_bounds),
        cmocka_unit_test(interval_bounds_have_the_known_ranks),
        cmocka_unit_test(interval_of_the_most_values_has_bounds_about_the_middle),
        cmocka_unit_test(interval_of_equal_values_is_that_value),
        cmocka_unit_test(interval_holds_the_true_median_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
