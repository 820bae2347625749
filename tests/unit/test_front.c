#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/front.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct change change(double value, double spread)
{
    return (struct change){
        .value = value, .low = value - spread, .high = value + spread, .is_known = true};
}

/* Peak and CPU are known, to a thousandth. */
static struct contender contender(double peak, double cpu, double effort)
{
    return (struct contender){
        .changes = {[ADVICE_PEAK] = change(peak, 0.001), [ADVICE_CPU] = change(cpu, 0.001)},
        .effort = effort,
    };
}

static const struct goal *balanced(void)
{
    return goal_of(ADVICE_BALANCED);
}

static void front_compare_needs_ranges_apart_and_a_difference_that_counts(void **state)
{
    (void)state;
    struct contender a = contender(-0.2, 0, 0);
    struct contender b = contender(-0.1, 0, 0);
    assert_int_equal(front_compare(&a, &b, ADVICE_PEAK), FRONT_BETTER);
    assert_int_equal(front_compare(&b, &a, ADVICE_PEAK), FRONT_WORSE);
    assert_int_equal(front_compare(&a, &b, ADVICE_CPU), FRONT_SAME);

    a.changes[ADVICE_PEAK] = change(-0.2, 0.06); /* up to -0.14 */
    b.changes[ADVICE_PEAK] = change(-0.1, 0.06); /* from -0.16 */
    assert_int_equal(front_compare(&a, &b, ADVICE_PEAK), FRONT_SAME);

    a.changes[ADVICE_PEAK] = change(-0.104, 0);
    b.changes[ADVICE_PEAK] = change(-0.1, 0);
    assert_int_equal(front_compare(&a, &b, ADVICE_PEAK), FRONT_SAME);

    b.changes[ADVICE_PEAK].is_known = false;
    a.changes[ADVICE_PEAK] = change(-0.5, 0);
    assert_int_equal(front_compare(&a, &b, ADVICE_PEAK), FRONT_SAME);
}

static void front_beats_is_better_somewhere_and_worse_nowhere(void **state)
{
    (void)state;
    const struct contender lean = contender(-0.3, 0.1, 0);
    const struct contender fast = contender(0.1, -0.3, 0);
    const struct contender both = contender(-0.3, -0.3, 0);

    assert_false(front_beats(&lean, &fast));
    assert_false(front_beats(&fast, &lean));
    assert_true(front_beats(&both, &lean));
    assert_true(front_beats(&both, &fast));
    assert_false(front_beats(&lean, &both));
    assert_false(front_beats(&both, &both));
    assert_true(front_is_tie(&both, &both));
    assert_false(front_is_tie(&both, &lean));
}

static void front_find_keeps_trade_offs_and_names_who_beats_the_rest(void **state)
{
    (void)state;
    const struct contender contenders[] = {
        contender(0, 0, 0),       /* as recorded: beaten by 3 */
        contender(-0.3, 0.1, 0),  /* lean */
        contender(0.1, -0.3, 0),  /* fast */
        contender(-0.1, -0.1, 0), /* between */
        contender(0.2, 0.2, 0),   /* beaten by all */
    };
    struct front_standing standings[COUNT(contenders)];

    front_find(balanced(), contenders, COUNT(contenders), standings);

    assert_int_equal(standings[0].place, FRONT_BEATEN);
    assert_int_equal(standings[0].other, 3);
    assert_int_equal(standings[1].place, FRONT_ON);
    assert_int_equal(standings[2].place, FRONT_ON);
    assert_int_equal(standings[3].place, FRONT_ON);
    assert_int_equal(standings[4].place, FRONT_BEATEN);
}

static void front_find_of_ties_the_simplest_stays(void **state)
{
    (void)state;
    const struct contender contenders[] = {
        contender(-0.2, 0, 0.02), contender(-0.2005, 0.0005, 0.01), contender(-0.2, -0.0005, 0.03)};
    struct front_standing standings[COUNT(contenders)];

    front_find(balanced(), contenders, COUNT(contenders), standings);

    assert_int_equal(standings[0].place, FRONT_TIED);
    assert_int_equal(standings[0].other, 1);
    assert_int_equal(standings[1].place, FRONT_ON);
    assert_int_equal(standings[2].place, FRONT_TIED);
}

static void front_find_leaves_out_who_is_lost(void **state)
{
    (void)state;
    struct contender contenders[] = {contender(0, 0, 0), contender(-0.9, -0.9, 0)};
    contenders[1].is_lost = true;
    struct front_standing standings[COUNT(contenders)];

    front_find(balanced(), contenders, COUNT(contenders), standings);

    assert_int_equal(standings[0].place, FRONT_ON);
    assert_int_equal(standings[1].place, FRONT_LOST);
}

/* Wide ranges: each is better than the next in one figure, and cannot be told apart in the others.
 */
static void front_find_of_a_circle_one_remains(void **state)
{
    (void)state;
    struct contender contenders[3];
    memset(contenders, 0, sizeof(contenders));
    for (int i = 0; i < 3; i++) {
        for (int measure = 0; measure < 3; measure++) {
            contenders[i].changes[measure] = change(0, 0.5);
        }
    }
    for (int i = 0; i < 3; i++) {
        contenders[i].changes[i] = change(-0.2, 0);
        contenders[(i + 1) % 3].changes[i] = change(0.2, 0);
    }
    assert_true(front_beats(&contenders[0], &contenders[1]));
    assert_true(front_beats(&contenders[1], &contenders[2]));
    assert_true(front_beats(&contenders[2], &contenders[0]));
    struct front_standing standings[3];

    front_find(balanced(), contenders, 3, standings);

    int on = 0;
    for (int i = 0; i < 3; i++) {
        on += standings[i].place == FRONT_ON;
    }
    assert_int_equal(on, 1);
}

static void front_sort_by_layers_and_then_by_score(void **state)
{
    (void)state;
    struct contender contenders[] = {
        contender(0.3, 0.3, 0),   /* beaten by all: last layer */
        contender(0, -0.3, 0),    /* front */
        contender(0.1, -0.2, 0),  /* beaten by 1 */
        contender(-0.3, 0.29, 0), /* front, with a worse score */
        contender(0, 0, 0),
    };
    contenders[4].is_lost = true;
    size_t order[COUNT(contenders)];

    front_sort(balanced(), contenders, COUNT(contenders), order);

    const size_t wanted[] = {1, 3, 2, 0, 4};
    assert_memory_equal(order, wanted, sizeof(wanted));
}

static void front_sort_a_tie_comes_behind_all_that_differ(void **state)
{
    (void)state;
    const struct contender contenders[] = {
        contender(-0.3, -0.001, 0.003), /* best score, but 1 is the same and simpler */
        contender(-0.3, 0, 0.001), contender(-0.1, 0, 0.001),
        contender(-0.3, 0.001, 0.002), /* the same */
    };
    size_t order[COUNT(contenders)];

    front_sort(balanced(), contenders, COUNT(contenders), order);

    const size_t wanted[] = {1, 2, 0, 3};
    assert_memory_equal(order, wanted, sizeof(wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(front_compare_needs_ranges_apart_and_a_difference_that_counts),
        cmocka_unit_test(front_beats_is_better_somewhere_and_worse_nowhere),
        cmocka_unit_test(front_find_keeps_trade_offs_and_names_who_beats_the_rest),
        cmocka_unit_test(front_find_of_ties_the_simplest_stays),
        cmocka_unit_test(front_find_leaves_out_who_is_lost),
        cmocka_unit_test(front_find_of_a_circle_one_remains),
        cmocka_unit_test(front_sort_by_layers_and_then_by_score),
        cmocka_unit_test(front_sort_a_tie_comes_behind_all_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
