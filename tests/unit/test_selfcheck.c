#include "../../analyzer/collect/selfcheck.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct recording recording;

static int set_up(void **state)
{
    (void)state;
    return recording_init(&recording, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    recording_fini(&recording);
    return 0;
}

static void expect(const struct ring_check *check, bool is_passed, const char *expected)
{
    struct str text = {0};
    bool found = !is_passed;
    assert_int_equal(selfcheck_describe(check, &recording, &text, &found), 0);
    assert_string_equal(str_text(&text), expected);
    assert_int_equal(found, is_passed);
    str_fini(&text);
}

static void selfcheck_describe_nothing_recorded_passes(void **state)
{
    (void)state;
    const struct ring_check check = {0};

    expect(&check, true, "unwind check: 0 stacks compared, 0 different\n");
}

static void selfcheck_describe_every_verdict_is_counted_apart(void **state)
{
    (void)state;
    static struct ring_check check;
    for (int verdict = 0; verdict < CHECK_VERDICTS; verdict++) {
        check.counts[verdict] = 1u << verdict;
    }
    check.counts[CHECK_DIFFERENT] = 0;

    expect(&check, true,
           "unwind check: 61 stacks compared, 0 different, 4 where libunwind ended early, 8 where "
           "libunwind stood alone against libgcc, 16 where allocaudit ended early in [unknown], 32 "
           "where libunwind guessed on behind code without unwind data, 64 not compared\n");
}

static void selfcheck_describe_a_difference_fails_and_shows_both(void **state)
{
    (void)state;
    static struct ring_check check;
    check.counts[CHECK_EQUAL] = 9;
    check.counts[CHECK_DIFFERENT] = 1;
    check.samples[1] = (struct check_sample){
        .is_complete = 1,
        .skipped_count = 4,
        .different_at = 1,
        .own_count = 2,
        .other_count = 1,
        .own = {0x1000, 0x2000},
        .other = {0x1000},
    };

    expect(&check, false,
           "unwind check: 10 stacks compared, 1 different\n"
           "unwind check: allocaudit   4  0x1000\n"
           "unwind check: allocaudit   5> 0x2000\n"
           "unwind check: libunwind    4  0x1000\n"
           "unwind check: libunwind    5> (ends)\n");
}

static void selfcheck_describe_without_libunwind_fails(void **state)
{
    (void)state;
    const struct ring_check check = {.counts = {[CHECK_SKIPPED] = 3}};

    expect(&check, false,
           "unwind check: 0 stacks compared, 0 different, 3 not compared\n"
           "unwind check: is libunwind.so.8 there?\n");
}

static void selfcheck_describe_damaged_samples_stay_in_bounds(void **state)
{
    (void)state;
    static struct ring_check check;
    memset(&check, 0xff, sizeof(check));
    struct str text = {0};
    bool is_passed = true;

    assert_int_equal(selfcheck_describe(&check, &recording, &text, &is_passed), 0);

    size_t line_count = 0;
    for (const char *at = str_text(&text); (at = strchr(at, '\n')) != NULL; at++) {
        line_count++;
    }
    assert_int_equal(line_count, 1 + CHECK_SAMPLES * 2 * CHECK_SAMPLE_FRAMES);
    assert_false(is_passed);
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selfcheck_describe_nothing_recorded_passes),
        cmocka_unit_test(selfcheck_describe_every_verdict_is_counted_apart),
        cmocka_unit_test(selfcheck_describe_a_difference_fails_and_shows_both),
        cmocka_unit_test(selfcheck_describe_without_libunwind_fails),
        cmocka_unit_test(selfcheck_describe_damaged_samples_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
