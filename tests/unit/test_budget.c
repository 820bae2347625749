#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/gate/budget.h"

static void parse(struct budget *budget, const char *text)
{
    struct err err = {0};
    if (budget_parse(budget, "b.yaml", text, strlen(text), &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void refuse(const char *text, const char *why)
{
    struct budget budget = {0};
    struct err err = {0};

    int result = budget_parse(&budget, "b.yaml", text, strlen(text), &err);

    assert_int_equal(result, -EINVAL);
    assert_string_equal(err.text, why);
    budget_fini(&budget);
}

static void budget_parse_takes_limits_of_every_subject(void **state)
{
    (void)state;
    struct budget budget = {0};

    parse(&budget, "allocation_count: 5\n"
                   "functions:\n"
                   "  parse_*: {leaked_bytes: 1KiB, allocation_count: = 3}\n"
                   "modules: {libz.so*: {peak_bytes: 2MiB +- 1%}}\n"
                   "threads: {worker*: {allocated_bytes: 7}}\n");

    assert_int_equal(budget.count, 5);
    assert_int_equal(budget.limits[0].subject, BUDGET_RUN);
    assert_null(budget.limits[0].pattern);
    assert_int_equal(budget.limits[0].at_most, 5);
    assert_int_equal(budget.limits[0].line, 1);
    assert_int_equal(budget.limits[2].subject, BUDGET_FUNCTION);
    assert_string_equal(budget.limits[2].pattern, "parse_*");
    assert_int_equal(budget.limits[2].metric, GATE_METRIC_ALLOCATION_COUNT);
    assert_int_equal(budget.limits[2].at_least, 3);
    assert_int_equal(budget.limits[2].line, 3);
    assert_int_equal(budget.limits[3].subject, BUDGET_MODULE);
    assert_int_equal(budget.limits[3].at_least, (2 << 20) - 20971);
    assert_int_equal(budget.limits[4].subject, BUDGET_THREAD);
    budget_fini(&budget);
}

static void budget_parse_takes_statistics_of_scopes_and_frames(void **state)
{
    (void)state;
    struct budget budget = {0};
    char text[64];

    parse(&budget, "scopes: {test_*: {allocation_count: 3, peak_bytes: {p50: 1KiB, max: 2KiB}}}\n"
                   "frames: {leaked_count: {p99: 0}}\n");

    assert_int_equal(budget.count, 4);
    assert_true(budget_needs_calls(&budget));
    assert_int_equal(budget.limits[0].statistic, BUDGET_MAX);
    assert_int_equal(budget.limits[1].statistic, BUDGET_P50);
    assert_int_equal(budget.limits[2].at_most, 2048);
    assert_int_equal(budget.limits[3].subject, BUDGET_FRAME);
    assert_null(budget.limits[3].pattern);
    (void)budget_limit_describe(&budget.limits[1], text, sizeof(text));
    assert_string_equal(text, "scopes 'test_*': peak_bytes, p50");
    (void)budget_limit_describe(&budget.limits[3], text, sizeof(text));
    assert_string_equal(text, "frames: leaked_count, p99");
    budget_fini(&budget);
}

static void budget_parse_takes_names_to_ignore(void **state)
{
    (void)state;
    struct budget budget = {0};

    parse(&budget, "ignore: {functions: [a, 'b*'], modules: libc.so.6}\nleaked_count: 0\n");

    assert_int_equal(budget.ignored_functions.count, 2);
    assert_string_equal(budget.ignored_functions.items[1], "b*");
    assert_int_equal(budget.ignored_modules.count, 1);
    assert_string_equal(budget.ignored_modules.items[0], "libc.so.6");
    budget_fini(&budget);
}

static void budget_parse_tells_the_place_and_the_right_word(void **state)
{
    (void)state;
    refuse("leaked_count: 0\npeak_byte: 3\n",
           "b.yaml:2:1: unknown word 'peak_byte': did you mean 'peak_bytes'?");
    refuse("function: {a: {leaked_count: 0}}",
           "b.yaml:1:1: unknown word 'function': did you mean 'functions'?");
    refuse("functions:\n  a: {leaked_cont: 0}",
           "b.yaml:2:7: unknown figure 'leaked_cont': did you mean 'leaked_count'?");
    refuse("ignore: {module: x}", "b.yaml:1:10: unknown word 'module': did you mean 'modules'?");
    refuse("zzzzzzzz: 1", "b.yaml:1:1: unknown word 'zzzzzzzz'");
}

static void budget_parse_refuses_wrong_shapes(void **state)
{
    (void)state;
    refuse("- 1\n", "b.yaml:1:1: a budget file must be 'name: value' lines");
    refuse("functions: [a]", "b.yaml:1:12: functions must be 'name: value' lines");
    refuse("leaked_count: [1]", "b.yaml:1:15: leaked_count takes an amount, such as 250000");
    refuse("leaked_bytes:\n", "b.yaml:1:14: leaked_bytes: an amount is missing");
    refuse("leaked_count: 1\nleaked_count: 2\n",
           "b.yaml:2:1: 'leaked_count' stands already in line 1");
    refuse("[a]: 1", "b.yaml:1:1: a name was expected here");
    refuse("ignore: {functions: {a: b}}", "b.yaml:1:21: functions must be a list");
    refuse("threads: {t: {peak_bytes: 1}}",
           "b.yaml:1:15: of a thread only allocation_count and allocated_bytes are known, not "
           "peak_bytes");
    refuse(
        "frames: {temporary_count: 1}",
        "b.yaml:1:10: of scopes and frames only allocation_count, allocated_bytes, peak_bytes and "
        "leaked_count are known, not temporary_count");
    refuse("frames: {allocation_count: {p9: 0}}",
           "b.yaml:1:29: unknown statistic 'p9': did you mean 'p99'?");
    refuse("", "b.yaml: it is empty");
}

static void budget_parse_refuses_what_is_no_yaml(void **state)
{
    (void)state;
    struct budget budget = {0};
    struct err err = {0};
    static const char *const texts[] = {"a: b: c", "{", "\"", "a: &x [*x", "\t- a", "%YAML 9"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int result = budget_parse(&budget, "b.yaml", texts[i], strlen(texts[i]), &err);
        assert_int_equal(result, -EINVAL);
        assert_non_null(strstr(err.text, "no valid YAML"));
    }
    budget_fini(&budget);
}

static void budget_parse_is_not_blown_up_by_aliases(void **state)
{
    (void)state;
    struct budget budget = {0};

    parse(&budget, "functions:\n  a: &l {leaked_count: 0}\n  b: *l\n  c: *l\n");

    assert_int_equal(budget.count, 3);
    assert_string_equal(budget.limits[2].pattern, "c");
    budget_fini(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget_parse_takes_limits_of_every_subject),
        cmocka_unit_test(budget_parse_takes_statistics_of_scopes_and_frames),
        cmocka_unit_test(budget_parse_takes_names_to_ignore),
        cmocka_unit_test(budget_parse_tells_the_place_and_the_right_word),
        cmocka_unit_test(budget_parse_refuses_wrong_shapes),
        cmocka_unit_test(budget_parse_refuses_what_is_no_yaml),
        cmocka_unit_test(budget_parse_is_not_blown_up_by_aliases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
