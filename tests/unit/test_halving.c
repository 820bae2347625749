#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/halving.h"

#define PLENTY 1000000

static void halving_plan_make_halves_and_doubles(void **state)
{
    (void)state;
    struct halving_plan plan = halving_plan_make(24, 1, PLENTY);

    assert_int_equal(plan.rung_count, 3);
    assert_int_equal(plan.rungs[0].count, 24);
    assert_int_equal(plan.rungs[0].repetitions, 1);
    assert_int_equal(plan.rungs[1].count, 12);
    assert_int_equal(plan.rungs[1].repetitions, 2);
    assert_int_equal(plan.rungs[2].count, 6);
    assert_int_equal(plan.rungs[2].repetitions, HALVING_REPETITIONS_MAX);
    assert_int_equal(plan.replay_count, 25 + 2 * 13 + 5 * 7);
}

static void halving_plan_make_few_are_the_last_rung(void **state)
{
    (void)state;
    struct halving_plan plan = halving_plan_make(3, 2, PLENTY);

    assert_int_equal(plan.rung_count, 1);
    assert_int_equal(plan.rungs[0].count, 3);
    assert_int_equal(plan.rungs[0].repetitions, HALVING_REPETITIONS_MAX);
}

/* Never more than the budget, and with a larger one never fewer settings. */
static void halving_plan_make_stays_within_the_budget(void **state)
{
    (void)state;
    size_t before = 0;
    for (uint64_t budget = 0; budget < 400; budget++) {
        struct halving_plan plan = halving_plan_make(100, 1, budget);
        size_t count = plan.rung_count == 0 ? 0 : plan.rungs[0].count;
        assert_true(plan.replay_count <= budget);
        assert_true(count >= before);
        for (size_t i = 1; i < plan.rung_count; i++) {
            assert_true(plan.rungs[i].count < plan.rungs[i - 1].count);
            assert_true(plan.rungs[i].repetitions >= plan.rungs[i - 1].repetitions);
        }
        if (plan.rung_count > 0) {
            assert_in_range(plan.rungs[plan.rung_count - 1].repetitions, 2,
                            HALVING_REPETITIONS_MAX);
        }
        before = count;
    }
    assert_in_range(before, 50, 100);
}

static void halving_plan_make_too_small_a_budget_is_no_plan(void **state)
{
    (void)state;
    assert_int_equal(halving_plan_make(10, 1, 3).rung_count, 0);
    assert_int_equal(halving_plan_make(10, 1, 4).rungs[0].count, 1);
    assert_int_equal(halving_plan_make(0, 1, PLENTY).rung_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halving_plan_make_halves_and_doubles),
        cmocka_unit_test(halving_plan_make_few_are_the_last_rung),
        cmocka_unit_test(halving_plan_make_stays_within_the_budget),
        cmocka_unit_test(halving_plan_make_too_small_a_budget_is_no_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
