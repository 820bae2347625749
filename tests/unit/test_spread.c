#include "../../analyzer/analyses/spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct spread_figures measure(const struct value_spread *spread)
{
    struct spread_figures figures;
    assert_int_equal(spread_measure(spread, &figures), 0);
    return figures;
}

static void spread_measure_nothing_is_zero(void **state)
{
    (void)state;
    const struct value_spread spread = {.value_count = 0};

    struct spread_figures figures = measure(&spread);

    assert_int_equal(figures.p50, 0);
    assert_int_equal(figures.p99, 0);
    assert_int_equal(figures.max, 0);
}

static void spread_measure_small_values_are_exact(void **state)
{
    (void)state;
    struct value_spread spread = {.value_count = 0};
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(spread_add(&spread, i * 7 % 1000), 0); /* 0 to 999, each once */
    }

    struct spread_figures figures = measure(&spread);

    assert_int_equal(figures.p50, 499);
    assert_int_equal(figures.p99, 989);
    assert_int_equal(figures.max, 999);
    assert_true(figures.mean == 499.5);
    assert_int_equal(spread.min, 0);
    spread_fini(&spread);
}

static void spread_measure_large_values_are_never_too_low(void **state)
{
    (void)state;
    struct value_spread spread = {.value_count = 0};
    for (int i = 0; i < 50; i++) {
        assert_int_equal(spread_add(&spread, 100001), 0);
        assert_int_equal(spread_add(&spread, UINT64_C(1) << 60), 0);
    }

    struct spread_figures figures = measure(&spread);

    assert_true(figures.p50 >= 100001 && figures.p50 <= 100101);
    assert_true(figures.p99 == UINT64_C(1) << 60);
    assert_true(figures.max == UINT64_C(1) << 60);
    spread_fini(&spread);
}

static void spread_measure_equal_values_are_exact(void **state)
{
    (void)state;
    struct value_spread spread = {.value_count = 0};
    assert_int_equal(spread_add(&spread, 23100), 0);
    assert_int_equal(spread_add(&spread, 23100), 0);

    struct spread_figures figures = measure(&spread);

    assert_int_equal(figures.p50, 23100);
    assert_int_equal(figures.p99, 23100);
    spread_fini(&spread);
}

static void spread_merge_equals_adding_all(void **state)
{
    (void)state;
    struct value_spread parts[2] = {{.value_count = 0}, {.value_count = 0}};
    struct value_spread whole = {.value_count = 0};
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(spread_add(&parts[i % 2], i + 5), 0);
    }

    assert_int_equal(spread_merge(&whole, &parts[0]), 0);
    assert_int_equal(spread_merge(&whole, &parts[1]), 0);

    struct spread_figures figures = measure(&whole);
    assert_int_equal(whole.value_count, 100);
    assert_int_equal(whole.min, 5);
    assert_int_equal(figures.p50, 54);
    assert_int_equal(figures.p99, 103);
    assert_int_equal(figures.max, 104);
    spread_fini(&parts[0]);
    spread_fini(&parts[1]);
    spread_fini(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spread_measure_nothing_is_zero),
        cmocka_unit_test(spread_measure_small_values_are_exact),
        cmocka_unit_test(spread_measure_large_values_are_never_too_low),
        cmocka_unit_test(spread_measure_equal_values_are_exact),
        cmocka_unit_test(spread_merge_equals_adding_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
