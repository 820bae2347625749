#include <math.h>

#include "analysed_rows.h"

#include "../../analyzer/analyses/ages.h"

static bool is_near(double one, double other)
{
    return fabs(one - other) < 1e-9;
}

/*
 * Block 1 (100 bytes) dies with nothing allocated since; block 2 (100) after one of 60,000 bytes,
 * which is still live at the end.
 */
static const char three_blocks[] = "(10, 5, 100, 1, NULL, NULL, 1), (20, 1000, 100, 1, NULL, NULL, "
                                   "2), (30, NULL, 60000, 2, NULL, NULL, 3)";

static void ages_are_told_by_three_clocks(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct ages *ages = ages_of(analysed_rows_make(&rows, &ages_analysis, three_blocks, ""));

    assert_int_equal(ages->allocation_count, 3);
    assert_int_equal(ages->free_count, 2);
    assert_int_equal(ages->clocks[AGE_NS][2].free_count, 1);          /* 5 ns */
    assert_int_equal(ages->clocks[AGE_NS][9].free_count, 1);          /* 1000 ns */
    assert_int_equal(ages->clocks[AGE_BYTES][0].free_count, 1);       /* 0 bytes */
    assert_int_equal(ages->clocks[AGE_BYTES][15].free_count, 1);      /* 60,000 */
    assert_int_equal(ages->clocks[AGE_ALLOCATIONS][0].free_count, 2); /* 0 and 1 */
    assert_int_equal(ages->clocks[AGE_ALLOCATIONS][0].freed_bytes, 200);
    assert_int_equal(ages_quantile(ages, AGE_NS, 0.5), 8);
    assert_int_equal(ages_quantile(ages, AGE_NS, 0.99), 1024);
    analysed_rows_end(&rows);
}

/* One site with one short-lived block of 100 bytes and 60,100 bytes that are not. */
static void ages_of_a_mixed_site_are_foretold_by_the_more_frequent(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct ages *ages = ages_of(analysed_rows_make(&rows, &ages_analysis, three_blocks, ""));

    assert_int_equal(ages->site_count, 1);
    assert_int_equal(site_ages_missed_bytes(&ages->sites[0]), 100);
    assert_int_equal(ages->short_bytes, 100);
    assert_true(is_near(ages->predicted_share, 60100.0 / 60200));
    assert_true(is_near(ages->sure_share, 0));
    /* Three classes of age, one block each; two sizes, 2 and 1. One site: it tells nothing. */
    assert_true(is_near(ages->age_bits, log2(3)));
    assert_true(is_near(ages->age_bits_by_site, log2(3)));
    assert_true(is_near(ages->size_bits, log2(3) - 2.0 / 3));
    assert_true(is_near(ages->size_bits_by_site, log2(3) - 2.0 / 3));
    analysed_rows_end(&rows);
}

/* The block that is never freed moves to a site of its own: both are foretold. */
static void ages_of_sites_that_differ_leave_no_doubt(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct ages *ages = ages_of(analysed_rows_make(
        &rows, &ages_analysis,
        "(10, 5, 100, 1, NULL, NULL, 1), (20, 5, 100, 1, NULL, NULL, 2),"
        "(30, NULL, 60000, 2, NULL, NULL, 3), (31, NULL, 60000, 2, NULL, NULL, 4)",
        "UPDATE context SET stack_id = 3 WHERE id = 2"));

    assert_int_equal(ages->site_count, 2);
    assert_true(is_near(ages->predicted_share, 1));
    assert_true(is_near(ages->sure_share, 200.0 / 120200));
    assert_true(is_near(ages->age_bits, 1));
    assert_true(is_near(ages->age_bits_by_site, 0));
    assert_true(is_near(ages->size_bits, 1));
    assert_true(is_near(ages->size_bits_by_site, 0));
    analysed_rows_end(&rows);
}

static void ages_of_nothing_are_nothing(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct ages *ages = ages_of(analysed_rows_make(
        &rows, &ages_analysis, "(10, 5, 4096, 7, NULL, NULL, 1)", "")); /* a mapping */

    assert_int_equal(ages->allocation_count, 0);
    assert_int_equal(ages_quantile(ages, AGE_NS, 0.5), 0);
    assert_true(is_near(ages->age_bits, 0));
    analysed_rows_end(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_are_told_by_three_clocks),
        cmocka_unit_test(ages_of_a_mixed_site_are_foretold_by_the_more_frequent),
        cmocka_unit_test(ages_of_sites_that_differ_leave_no_doubt),
        cmocka_unit_test(ages_of_nothing_are_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
