#include <math.h>

#include "analysed_rows.h"

#include "../../analyzer/analyses/handoffs.h"

static void handoffs_group_name_leaves_numbers_out(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"worker-12", "worker-*"}, {"worker", "worker"}, {"42", "42"}, {"", "(no name)"}};
    char name[HANDOFF_NAME_BYTES];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        handoffs_group_name(cases[i][0], name);
        assert_string_equal(name, cases[i][1]);
    }
    handoffs_group_name(NULL, name);
    assert_string_equal(name, "(no name)");
}

/* Thread 1 makes three, of which thread 2 ("worker") frees two; it realloc's one of its own. */
static void handoffs_tell_who_frees(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct handoffs *handoffs = handoffs_of(
        analysed_rows_make(&rows, &handoffs_analysis,
                           "(10, 5, 100, 5, NULL, NULL, 1), (11, 6, 50, 5, NULL, NULL, 2),"
                           "(12, 8, 8, 3, NULL, NULL, 3), (21, 9, 16, 4, 3, NULL, 4)",
                           ""));

    assert_int_equal(handoffs->free_count, 4);
    assert_int_equal(handoffs->remote_free_count, 2);
    assert_int_equal(handoffs->cell_count, 2);
    assert_string_equal(handoffs->groups[handoffs->cells[0].owner].name, "server");
    assert_string_equal(handoffs->groups[handoffs->cells[0].freer].name, "worker");
    assert_int_equal(handoffs->cells[0].remote_count, 2);
    assert_int_equal(handoffs->cells[0].remote_bytes, 150);
    assert_int_equal(handoffs->cells[0].own_count, 0);
    assert_int_equal(handoffs->cells[1].own_count, 2);
    assert_true(fabs(handoffs->skew - 0.5) < 1e-9);
    analysed_rows_end(&rows);
}

/* As many one way as the other: threads hand over, but neither side only gives. */
static void handoffs_both_ways_have_no_skew(void **state)
{
    (void)state;
    struct analysed_rows rows;
    const struct handoffs *handoffs = handoffs_of(
        analysed_rows_make(&rows, &handoffs_analysis,
                           "(10, 5, 8, 5, NULL, NULL, 1), (11, 6, 8, 10, NULL, NULL, 2)", ""));

    assert_int_equal(handoffs->remote_free_count, 2);
    assert_true(fabs(handoffs->skew) < 1e-9);
    analysed_rows_end(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handoffs_group_name_leaves_numbers_out),
        cmocka_unit_test(handoffs_tell_who_frees),
        cmocka_unit_test(handoffs_both_ways_have_no_skew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
