#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/base/histogram.h"

static struct histogram *make(void)
{
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    assert_non_null(histogram);
    return histogram;
}

static void histogram_quantile_of_nothing_is_zero(void **state)
{
    (void)state;
    struct histogram *histogram = make();

    assert_int_equal(histogram_quantile(histogram, 0.5), 0);
    free(histogram);
}

static void histogram_quantile_of_small_values_is_exact(void **state)
{
    (void)state;
    struct histogram *histogram = make();
    for (uint64_t value = 0; value < 20; value++) {
        histogram_add(histogram, value);
    }

    assert_int_equal(histogram->count, 20);
    assert_int_equal(histogram_quantile(histogram, 0.5), 9);
    assert_int_equal(histogram_quantile(histogram, 0.95), 18);
    assert_int_equal(histogram_quantile(histogram, 1), 19);
    assert_int_equal(histogram_quantile(histogram, 0), 0);
    free(histogram);
}

static void histogram_quantile_is_within_a_32nd_of_any_value(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        for (uint64_t step = 0; step < 8; step++) {
            struct histogram *histogram = make();
            uint64_t value = (UINT64_C(1) << shift) + (UINT64_C(1) << shift) / 8 * step;
            histogram_add(histogram, value);
            histogram_add(histogram, UINT64_MAX);

            uint64_t found = histogram_quantile(histogram, 0.5);

            uint64_t off = found > value ? found - value : value - found;
            assert_true(off <= value / 32);
            free(histogram);
        }
    }
}

static void histogram_quantile_is_never_above_the_largest(void **state)
{
    (void)state;
    struct histogram *histogram = make();
    histogram_add(histogram, 1024);

    assert_int_equal(histogram_quantile(histogram, 0.999), 1024);
    assert_int_equal(histogram->max, 1024);
    free(histogram);
}

static void histogram_merge_counts_both(void **state)
{
    (void)state;
    struct histogram *one = make();
    struct histogram *other = make();
    histogram_add(one, 5);
    histogram_add(other, 7);
    histogram_add(other, 900);

    histogram_merge(one, other);

    assert_int_equal(one->count, 3);
    assert_int_equal(one->max, 900);
    assert_int_equal(histogram_quantile(one, 0.5), 7);
    free(one);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histogram_quantile_of_nothing_is_zero),
        cmocka_unit_test(histogram_quantile_of_small_values_is_exact),
        cmocka_unit_test(histogram_quantile_is_within_a_32nd_of_any_value),
        cmocka_unit_test(histogram_quantile_is_never_above_the_largest),
        cmocka_unit_test(histogram_merge_counts_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
