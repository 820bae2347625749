#include <math.h>

#include "analysed_rows.h"

#include "../../analyzer/analyses/growth.h"

/*
 * Two blocks grow. One from 16 over 32 to 64, and moves at each step (addresses are ids * 64); one
 * from 16 to 32 and lives on.
 */
static const char two_chains[] =
    "(10, 5, 16, 3, NULL, NULL, 1), (16, 4, 32, 13, 1, NULL, 2), (21, 9, 64, 4, 2, NULL, 3),"
    "(40, 5, 16, 3, NULL, NULL, 4), (46, NULL, 32, 9, 4, NULL, 5)";
static const char more_contexts[] =
    "INSERT INTO context VALUES (13, 1, 1, 2, 2, 1, 1, 0, 0)"; /* realloc'ed, and again */

static void growth_follows_chains(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct growth *growth =
        growth_of(analysed_rows_make(&rows, &growth_analysis, two_chains, more_contexts));

    assert_int_equal(growth->site_count, 1);
    assert_int_equal(growth->chain_count, 2);
    assert_int_equal(growth->step_count, 3);
    assert_int_equal(growth->moved_count, 3);
    assert_int_equal(growth->copied_bytes, 16 + 32 + 16);
    assert_int_equal(growth->sites[0].step_max, 2);
    assert_true(fabs(growth_factor(&growth->sites[0]) - 2) < 1e-9);
    analysed_rows_end(&rows);
}

static void growth_reserve_spares_what_stays_below_it(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct growth *growth =
        growth_of(analysed_rows_make(&rows, &growth_analysis, two_chains, more_contexts));

    struct growth_reserve half = growth_reserve(&growth->sites[0], 0.5);
    struct growth_reserve all = growth_reserve(&growth->sites[0], 0.99);

    assert_int_equal(half.reserve_bytes, 32);
    assert_int_equal(half.spared_chain_count, 1);
    assert_int_equal(half.spared_step_count, 1);
    assert_int_equal(half.spared_copied_bytes, 16);
    assert_true(fabs(half.idle_bytes) < 1e-9);
    assert_int_equal(all.reserve_bytes, 64);
    assert_int_equal(all.spared_step_count, 3);
    assert_int_equal(all.spared_copied_bytes, 64);
    assert_true(fabs(all.idle_bytes - 16) < 1e-9);
    analysed_rows_end(&rows);
}

static void growth_in_place_copies_nothing(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct growth *growth = growth_of(analysed_rows_make(
        &rows, &growth_analysis, "(10, 5, 16, 3, NULL, NULL, 1), (16, 4, 8, 4, 1, NULL, 2)",
        "UPDATE block SET address_offset = 64"));

    assert_int_equal(growth->step_count, 1);
    assert_int_equal(growth->moved_count, 0);
    assert_int_equal(growth->copied_bytes, 0);
    assert_true(fabs(growth_factor(&growth->sites[0])) < 1e-9); /* it shrank */
    assert_int_equal(growth_reserve(&growth->sites[0], 1).reserve_bytes, 16);
    analysed_rows_end(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_follows_chains),
        cmocka_unit_test(growth_reserve_spares_what_stays_below_it),
        cmocka_unit_test(growth_in_place_copies_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
