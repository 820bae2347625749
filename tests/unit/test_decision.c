#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/decision.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct change change(double value, double spread)
{
    return (struct change){
        .value = value, .low = value - spread, .high = value + spread, .is_known = true};
}

static struct contender contender(double peak, double cpu)
{
    return (struct contender){.changes = {[ADVICE_PEAK] = change(peak, 0.001),
                                          [ADVICE_MEAN] = change(peak, 0.001),
                                          [ADVICE_CPU] = change(cpu, 0.001)}};
}

static void decision_make_best_that_harms_nothing_is_advised(void **state)
{
    (void)state;
    const struct contender contenders[] = {contender(0, 0), contender(-0.3, 0.2),
                                           contender(-0.1, 0.01), contender(-0.2, 0.02)};

    struct decision decision = decision_make(goal_of(ADVICE_MEMORY), contenders, COUNT(contenders));

    assert_int_equal(decision.best, 1);
    assert_int_equal(decision.place, 3);
    assert_int_equal(decision.confidence, CONFIDENCE_STRONG);
}

static void decision_make_small_gain_is_no_reason_to_change(void **state)
{
    (void)state;
    const struct contender contenders[] = {contender(-0.01, -0.01), contender(0.1, -0.005)};

    for (int goal = 0; goal < ADVICE_GOAL_COUNT; goal++) {
        struct decision decision =
            decision_make(goal_of((enum advice_goal)goal), contenders, COUNT(contenders));
        assert_int_equal(decision.place, COUNT(contenders));
    }
}

static void decision_make_gain_within_chance_is_not_advised(void **state)
{
    (void)state;
    struct contender one = contender(0, -0.1);
    one.changes[ADVICE_CPU] = change(-0.1, 0.15);

    struct decision decision = decision_make(goal_of(ADVICE_SPEED), &one, 1);
    assert_int_equal(decision.place, 1);
    assert_int_equal(decision.best, 0);

    one.changes[ADVICE_CPU] = change(-0.1, 0.09);
    decision = decision_make(goal_of(ADVICE_SPEED), &one, 1);
    assert_int_equal(decision.place, 0);
    assert_int_equal(decision.confidence, CONFIDENCE_OPEN);
}

static void decision_make_of_near_equals_the_simpler_is_advised(void **state)
{
    (void)state;
    struct contender contenders[] = {contender(0, -0.102), contender(0, -0.1)};
    contenders[0].effort = 0.01;

    struct decision decision = decision_make(goal_of(ADVICE_SPEED), contenders, 2);
    assert_int_equal(decision.place, 1);

    contenders[0] = contender(0, -0.2);
    contenders[0].effort = 0.01;
    decision = decision_make(goal_of(ADVICE_SPEED), contenders, 2);
    assert_int_equal(decision.place, 0);
}

static void decision_make_lost_contender_is_never_advised(void **state)
{
    (void)state;
    struct contender contenders[] = {contender(-0.5, -0.5)};
    contenders[0].is_lost = true;

    struct decision decision = decision_make(goal_of(ADVICE_BALANCED), contenders, 1);

    assert_int_equal(decision.place, 1);
    assert_int_equal(decision.best, 1);
}

static void decision_score_unknown_figures_do_not_count(void **state)
{
    (void)state;
    struct contender one = contender(-0.1, 0);
    one.changes[ADVICE_MEAN].is_known = false;
    one.changes[ADVICE_CPU].is_known = false;

    double score = decision_score(goal_of(ADVICE_MEMORY), &one);

    assert_true(score > -0.1001 && score < -0.0999);
}

static void decision_scores_of_the_ends_hold_the_score_between_them(void **state)
{
    (void)state;
    struct contender one = contender(0, -0.1);
    one.changes[ADVICE_CPU] = change(-0.1, 0.04);
    const struct goal *goal = goal_of(ADVICE_SPEED);

    double best = decision_best_score(goal, &one);
    double worst = decision_worst_score(goal, &one);
    assert_true(best > -0.1401 && best < -0.1399);
    assert_true(worst > -0.0601 && worst < -0.0599);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decision_make_best_that_harms_nothing_is_advised),
        cmocka_unit_test(decision_make_small_gain_is_no_reason_to_change),
        cmocka_unit_test(decision_make_gain_within_chance_is_not_advised),
        cmocka_unit_test(decision_make_of_near_equals_the_simpler_is_advised),
        cmocka_unit_test(decision_make_lost_contender_is_never_advised),
        cmocka_unit_test(decision_score_unknown_figures_do_not_count),
        cmocka_unit_test(decision_scores_of_the_ends_hold_the_score_between_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
