#include "analysed_rows.h"

#include "../../analyzer/analyses/nesting.h"

/* Three blocks, freed youngest first. */
static void nesting_of_a_stack_has_no_depth(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct nesting *nesting =
        nesting_of(analysed_rows_make(&rows, &nesting_analysis,
                                      "(30, 5, 8, 1, NULL, NULL, 1), (20, 20, 8, 1, NULL, NULL, 2),"
                                      "(10, 40, 8, 1, NULL, NULL, 3)",
                                      ""));

    assert_int_equal(nesting->own_free_count, 3);
    assert_int_equal(nesting->depths[0], 3);
    assert_int_equal(nesting->depth_max, 0);
    assert_int_equal(nesting_quantile(nesting, 0.99), 0);
    analysed_rows_end(&rows);
}

/* Three blocks, freed oldest first: 2, 1 and 0 younger ones are live then. */
static void nesting_of_a_queue_counts_the_younger(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct nesting *nesting = nesting_of(
        analysed_rows_make(&rows, &nesting_analysis,
                           "(10, 30, 8, 1, NULL, NULL, 1), (20, 30, 8, 1, NULL, NULL, 2),"
                           "(30, 30, 8, 1, NULL, NULL, 3)",
                           ""));

    assert_int_equal(nesting->depths[0], 1);
    assert_int_equal(nesting->depths[1], 1);
    assert_int_equal(nesting->depths[2], 1);
    assert_int_equal(nesting->depth_sum, 3);
    assert_int_equal(nesting->depth_max, 2);
    analysed_rows_end(&rows);
}

/* Block 1 is realloc'ed while block 2 is live: it is the youngest then. */
static void nesting_counts_a_realloc_as_the_youngest(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct nesting *nesting =
        nesting_of(analysed_rows_make(&rows, &nesting_analysis,
                                      "(10, 20, 8, 3, NULL, NULL, 1), (31, 9, 16, 4, 1, NULL, 2),"
                                      "(20, 30, 8, 1, NULL, NULL, 3)",
                                      ""));

    assert_int_equal(nesting->own_free_count, 2);
    assert_int_equal(nesting->depths[0], 2);
    analysed_rows_end(&rows);
}

static void nesting_leaves_frees_by_others_out(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct nesting *nesting = nesting_of(
        analysed_rows_make(&rows, &nesting_analysis,
                           "(20, 5, 8, 5, NULL, NULL, 1), (10, 20, 8, 1, NULL, NULL, 2)", ""));

    assert_int_equal(nesting->own_free_count, 1);
    assert_int_equal(nesting->remote_free_count, 1);
    assert_int_equal(nesting->depths[0], 1);
    analysed_rows_end(&rows);
}

/* 5,000 blocks, of which the even die first, oldest first, then the odd: gaps are closed between.
 */
static void nesting_of_many_is_that_of_counting(void **state)
{
    (void)state;
    enum {
        BLOCKS = 5000
    };
    struct analysed_rows rows;
    uint64_t wanted_sum = 0;
    const struct nesting *nesting = nesting_of(analysed_rows_make(
        &rows, &nesting_analysis, "(1, 1, 8, 1, NULL, NULL, 1)",
        "DELETE FROM block; WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE "
        "i < 4999) INSERT INTO block SELECT 10 + i, CASE WHEN i % 2 = 0 THEN 10000 + i / 2 - i "
        "ELSE 20000 + i / 2 - i END, i * 64, 8, 1, NULL, NULL, NULL, NULL, NULL,"
        " CASE WHEN i % 2 = 0 THEN 1 + i / 2 ELSE 3001 + i / 2 END FROM n"));

    for (uint64_t i = 0; i < BLOCKS; i++) {
        wanted_sum += i % 2 == 0 ? BLOCKS - 1 - i : (BLOCKS - 1 - i) / 2;
    }

    assert_int_equal(nesting->own_free_count, BLOCKS);
    assert_int_equal(nesting->depth_max, BLOCKS - 1);
    assert_int_equal(nesting->depth_sum, wanted_sum);
    analysed_rows_end(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_of_a_stack_has_no_depth),
        cmocka_unit_test(nesting_of_a_queue_counts_the_younger),
        cmocka_unit_test(nesting_counts_a_realloc_as_the_youngest),
        cmocka_unit_test(nesting_leaves_frees_by_others_out),
        cmocka_unit_test(nesting_of_many_is_that_of_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
