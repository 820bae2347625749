#include <math.h>

#include "block_rows.h"

#include "../../analyzer/analyses/bursts.h"
#include "../../analyzer/analyses/churn.h"
#include "../../analyzer/model/trace.h"

/* Three threads of 10 ns: two after each other, one across both. */
static void churn_counts_threads_at_once(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    struct trace *trace = NULL;
    struct err err;
    struct churn churn;
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, "DELETE FROM thread; INSERT INTO thread VALUES"
                                       " (1, 1, 1, 'a', 100, 110, 1000, 0, 0, 0, 0),"
                                       " (2, 1, 2, 'b', 120, 130, 5, 0, 0, 0, 0),"
                                       " (3, 1, 3, 'b', 105, 125, 99, 0, 0, 0, 0),"
                                       " (4, 2, 4, 'of another process', 0, 500, 1, 0, 0, 0, 0)");
    assert_int_equal(trace_open(fixture.path, &trace, &err), 0);

    assert_int_equal(churn_find(trace, 1, &churn, &err), 0);

    assert_int_equal(churn.thread_count, 3);
    assert_int_equal(churn.at_once_max, 2);
    assert_int_equal(churn.duration_ns, 30);
    assert_int_equal(churn.life_p50_ns, 10);
    assert_int_equal(churn.life_max_ns, 20);
    assert_int_equal(churn.allocation_p50_count, 99);
    assert_int_equal(churn.allocation_max_count, 1000);
    assert_int_equal(churn.idle_count, 2);
    trace_close(trace);
    fixture_recording_remove(&fixture);
}

static struct bursts load_bursts(const char *slices)
{
    struct fixture_recording fixture;
    struct db *db = NULL;
    struct err err;
    struct bursts bursts;
    char sql[512];
    fixture_recording_make(&fixture);
    (void)snprintf(sql, sizeof(sql),
                   "DELETE FROM timeline; INSERT INTO timeline SELECT 1, column1, 10, 0, 0, "
                   "column2, 0, 0, NULL FROM (VALUES %s)",
                   slices);
    fixture_recording_change(&fixture, sql);
    assert_int_equal(db_open(fixture.path, &db, &err), 0);
    assert_int_equal(bursts_load(db, 1, &bursts, &err), 0);
    db_close(db);
    fixture_recording_remove(&fixture);
    return bursts;
}

/* Four slices of time, of which one has no row: 0, 0, 0 and 8. Mean 2, variance 16. */
static void bursts_count_slices_without_a_row(void **state)
{
    (void)state;

    struct bursts bursts = load_bursts("(0, 0), (10, 0), (30, 8)");

    assert_int_equal(bursts.slice_count, 4);
    assert_int_equal(bursts.idle_count, 3);
    assert_int_equal(bursts.most_count, 8);
    assert_int_equal(bursts.most_at_ns, 30);
    assert_true(fabs(bursts.mean - 2) < 1e-9);
    assert_true(fabs(bursts.dispersion - 8) < 1e-9);
    assert_true(fabs(bursts.half_share - 0.25) < 1e-9);
}

static void bursts_of_a_clockwork_are_none(void **state)
{
    (void)state;

    struct bursts bursts = load_bursts("(0, 5), (10, 5), (20, 5), (30, 5)");

    assert_true(fabs(bursts.dispersion) < 1e-9);
    assert_true(fabs(bursts.half_share - 0.5) < 1e-9);
    assert_int_equal(bursts.idle_count, 0);
}

static void bursts_of_one_slice_are_not_known(void **state)
{
    (void)state;

    assert_true(isnan(load_bursts("(0, 5)").dispersion));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(churn_counts_threads_at_once),
        cmocka_unit_test(bursts_count_slices_without_a_row),
        cmocka_unit_test(bursts_of_a_clockwork_are_none),
        cmocka_unit_test(bursts_of_one_slice_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
