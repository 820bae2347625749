#include <math.h>

#include "block_rows.h"

#include "../../analyzer/analyses/latencies.h"

static struct latencies load(const char *rows, bool is_sample, struct latency_spread *out_site)
{
    struct fixture_recording fixture;
    struct db *db = NULL;
    struct err err;
    struct latencies latencies;
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, rows);
    assert_int_equal(db_open(fixture.path, &db, &err), 0);
    assert_int_equal(latencies_load(db, 0, is_sample, &latencies, &err), 0);
    if (out_site != NULL) {
        assert_int_equal(latencies_of_site(&latencies, db, 0, is_sample, 2, out_site, &err), 0);
    }
    db_close(db);
    fixture_recording_remove(&fixture);
    return latencies;
}

/* The clock costs 10 ns. Of 20,000 calls 980 took 30 ns and 20 took 2,048; of a sample the same. */
static const char thousand[] =
    "INSERT INTO call_latency VALUES (1, 'malloc', 20000, 1000, 70360, 2050, 0, 0);"
    "INSERT INTO latency_class VALUES (1, 'malloc', 30, 980), (1, 'malloc', 2048, 20);"
    "INSERT INTO site_latency VALUES (1, 2, 24, 980, 30), (1, 2, 2048, 20, 2050);";

static void latencies_take_the_clock_off(void **state)
{
    (void)state;
    struct latencies latencies = load(thousand, false, NULL);
    const struct kind_latency *kind = &latencies.kinds[0];

    assert_int_equal(latencies.clock_cost_ns, 10);
    assert_true(fabs(kind->mean_ns - 60.36) < 1e-9);
    assert_true(fabs(kind->time_ns - 60.36 * 20000) < 1e-6);
    assert_true(fabs(latencies.time_ns - kind->time_ns) < 1e-6);
    assert_int_equal(kind->spread.p50_ns, 20);
    assert_int_equal(kind->spread.p99_ns, 2050 - 10); /* no more than the longest */
    assert_int_equal(kind->spread.max_ns, 2040);
    assert_int_equal(latencies.cpu.cpu_time_ns, 10000000);
    assert_int_equal(latencies.cpu.other_process_count, 1);
    latencies_fini(&latencies);
}

/* Ten of a thousand lie beyond p99, one beyond p99.9. */
static void latencies_leave_out_what_too_few_calls_tell(void **state)
{
    (void)state;
    struct latencies latencies = load(thousand, false, NULL);
    assert_true(latencies.kinds[0].spread.p999_ns == LATENCY_UNKNOWN);
    latencies_fini(&latencies);

    latencies = load("INSERT INTO call_latency VALUES (1, 'malloc', 999, 999, 9990, 30, 0, 0);"
                     "INSERT INTO latency_class VALUES (1, 'malloc', 30, 999)",
                     false, NULL);
    assert_true(latencies.kinds[0].spread.p99_ns == LATENCY_UNKNOWN);
    assert_int_equal(latencies.kinds[0].spread.p50_ns, 20);
    latencies_fini(&latencies);
}

static void latencies_of_a_sample_know_the_median_alone(void **state)
{
    (void)state;
    struct latencies latencies = load(thousand, true, NULL);

    assert_int_equal(latencies.kinds[0].spread.p50_ns, 20);
    assert_true(latencies.kinds[0].spread.p99_ns == LATENCY_UNKNOWN);
    latencies_fini(&latencies);
}

static void latencies_of_a_site_are_those_of_its_calls(void **state)
{
    (void)state;
    struct latency_spread site;
    struct latencies latencies = load(thousand, false, &site);

    assert_int_equal(site.timed_count, 1000);
    assert_int_equal(site.p50_ns, 28 - 10); /* the middle of 24 to 31 */
    assert_int_equal(site.max_ns, 2040);
    assert_true(site.p99_ns >= 1900 && site.p99_ns <= 2040);
    latencies_fini(&latencies);
}

/* One call of 2 s among ten of 30 ns has lost its processor: it stands for none of the others. */
static void latencies_leave_long_calls_out_of_sums(void **state)
{
    (void)state;
    struct latencies latencies =
        load("INSERT INTO call_latency VALUES (1, 'malloc', 110, 11, 2000000300, 2000000000, 1,"
             " 2000000000);"
             "INSERT INTO latency_class VALUES (1, 'malloc', 30, 10), (1, 'malloc', 1996488704, 1)",
             false, NULL);

    assert_true(fabs(latencies.time_ns - 20.0 * 110) < 1e-6);
    assert_true(fabs(latencies.time_stderr_ns) < 1e-6);
    assert_int_equal(latencies.long_count, 1);
    assert_int_equal(latencies.long_sum_ns, 2000000000);
    assert_int_equal(latencies.kinds[0].spread.max_ns, 1999999990);
    latencies_fini(&latencies);
}

static void latencies_of_untimed_calls_are_not_known(void **state)
{
    (void)state;
    struct latencies latencies =
        load("INSERT INTO call_latency VALUES (1, 'free', 3, 0, 0, 0, 0, 0)", false, NULL);

    assert_int_equal(latencies.call_count, 3);
    assert_true(isnan(latencies.kinds[0].mean_ns));
    assert_true(fabs(latencies.time_ns) < 1e-9);
    assert_true(latencies.kinds[0].spread.p50_ns == LATENCY_UNKNOWN);
    latencies_fini(&latencies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latencies_take_the_clock_off),
        cmocka_unit_test(latencies_leave_out_what_too_few_calls_tell),
        cmocka_unit_test(latencies_of_a_sample_know_the_median_alone),
        cmocka_unit_test(latencies_of_a_site_are_those_of_its_calls),
        cmocka_unit_test(latencies_leave_long_calls_out_of_sums),
        cmocka_unit_test(latencies_of_untimed_calls_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
