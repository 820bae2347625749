#include "../../analyzer/trial/measurement.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_end(const struct measurement *measurement, const char *errors,
                      const char *expected)
{
    struct str text = {0};
    struct captured captured = {0};
    captured_add(&captured, errors, strlen(errors));

    assert_int_equal(measurement_append_end(measurement, &captured, &text), 0);

    assert_string_equal(str_text(&text), expected);
    str_fini(&text);
}

static void measurement_value_adds_up_what_belongs_together(void **state)
{
    (void)state;
    const struct measurement measurement = {
        .wall_ns = 1,
        .user_ns = 20,
        .system_ns = 300,
        .peak_rss_bytes = 4000,
        .minor_fault_count = 50000,
        .major_fault_count = 600000,
        .voluntary_switch_count = 7,
        .involuntary_switch_count = 80,
    };

    assert_true(measurement_value(&measurement, METRIC_WALL) == 1);
    assert_true(measurement_value(&measurement, METRIC_CPU) == 320);
    assert_true(measurement_value(&measurement, METRIC_PEAK_RSS) == 4000);
    assert_true(measurement_value(&measurement, METRIC_FAULTS) == 650000);
    assert_true(measurement_value(&measurement, METRIC_SWITCHES) == 87);
}

static void measurement_is_good_with_the_wanted_status_alone(void **state)
{
    (void)state;
    const struct measurement exited = {.end = MEASUREMENT_EXITED, .exit_status = 3};
    const struct measurement killed = {.end = MEASUREMENT_SIGNALLED, .exit_signal = SIGKILL};
    const struct measurement late = {.end = MEASUREMENT_TIMED_OUT};

    assert_true(measurement_is_good(&exited, 3));
    assert_false(measurement_is_good(&exited, 0));
    assert_false(measurement_is_good(&killed, 0));
    assert_false(measurement_is_good(&late, 0));
}

static void measurement_append_end_says_how_and_its_last_words(void **state)
{
    (void)state;
    const struct measurement exited = {.end = MEASUREMENT_EXITED, .exit_status = 3};
    const struct measurement killed = {.end = MEASUREMENT_SIGNALLED, .exit_signal = SIGSEGV};
    const struct measurement late = {.end = MEASUREMENT_TIMED_OUT};

    check_end(&exited, "", "ended with status 3");
    check_end(&exited, "usage:\nno such file\n", "ended with status 3: 'no such file'");
    check_end(&killed, "", "ended by signal 11 (Segmentation fault)");
    check_end(&late, "working\n", "was not done in time: 'working'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measurement_value_adds_up_what_belongs_together),
        cmocka_unit_test(measurement_is_good_with_the_wanted_status_alone),
        cmocka_unit_test(measurement_append_end_says_how_and_its_last_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
