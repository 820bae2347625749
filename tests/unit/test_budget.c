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

static void budget_parse_takes_kinds_of_leaks(void **state)
{
    (void)state;
    struct budget budget = {0};
    struct err err = {0};
    char text[128];
    const char *const yaml = "leak_kinds: [definite, possible]\n"
                             "suppressions: known.supp\n"
                             "leaked_count: {definite: 0, reachable: 7}\n"
                             "processes: {worker: {leaked_bytes: {\"definite, indirect\": 1KiB}}}\n"
                             "sites: {\"a < main\": {temporary_count: 3}}\n";

    assert_int_equal(budget_parse(&budget, "ci/b.yaml", yaml, strlen(yaml), &err), 0);

    assert_int_equal(budget.count, 4);
    assert_true(budget_limits_leaks(&budget));
    assert_int_equal(budget.file_leak_kinds, LEAK_BIT(LEAK_DEFINITE) | LEAK_BIT(LEAK_POSSIBLE));
    assert_string_equal(budget.suppressions_path, "ci/known.supp");
    assert_int_equal(budget.limits[1].leak_kinds, LEAK_BIT(LEAK_REACHABLE));
    assert_int_equal(budget.limits[1].at_most, 7);
    assert_int_equal(budget.limits[2].subject, BUDGET_PROCESS);
    (void)budget_limit_describe(&budget.limits[0], text, sizeof(text));
    assert_string_equal(text, "leaked_count, definite");
    (void)budget_limit_describe(&budget.limits[2], text, sizeof(text));
    assert_string_equal(text, "processes 'worker': leaked_bytes, definite, indirect");
    assert_int_equal(budget.limits[3].subject, BUDGET_SITE);
    assert_int_equal(budget.limits[3].leak_kinds, 0);
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

static void budget_parse_takes_kinds_of_leaks_of_scopes(void **state)
{
    (void)state;
    struct budget budget = {0};

    parse(&budget, "scopes: {a: {leaked_bytes: {p99: 3, definite: 0, max: 5},"
                   " process_peak_bytes: 9}}\n");

    assert_int_equal(budget.count, 4);
    assert_int_equal(budget.limits[0].statistic, BUDGET_P99);
    assert_int_equal(budget.limits[0].leak_kinds, 0);
    assert_int_equal(budget.limits[1].leak_kinds, LEAK_BIT(LEAK_DEFINITE));
    assert_int_equal(budget.limits[2].statistic, BUDGET_MAX);
    assert_int_equal(budget.limits[2].leak_kinds, 0);
    assert_int_equal(budget.limits[3].metric, GATE_METRIC_PROCESS_PEAK_BYTES);
    assert_true(budget_limits_leaks(&budget));
    assert_false(budget_uses_its_kinds(&budget));
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
    refuse("baseline: 1\ncommand: x\n",
           "b.yaml:1:1: this is a baseline, not a budget: is --baseline meant?");
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
           "b.yaml:1:15: of a thread only allocation_count, allocated_bytes, leaked_count, "
           "leaked_bytes and temporary_count are known, not peak_bytes");
    refuse("frames: {realloc_count: 1}",
           "b.yaml:1:10: of frames only allocation_count, allocated_bytes, peak_bytes, "
           "leaked_count and temporary_count are known, not realloc_count");
    refuse("leaked_count: {definte: 1}",
           "b.yaml:1:16: 'definte' is no kind of leak; did you mean 'definite'?");
    refuse("leak_kinds: [lost]",
           "b.yaml:1:14: 'lost' is no kind of leak: definite, indirect, possible, reachable");
    refuse("modules: {a: {fault_count: 1}}",
           "b.yaml:1:15: fault_count is known of the run and of processes only");
    refuse("processes: {a: {unrecorded_count: 1}}",
           "b.yaml:1:17: unrecorded_count is known of the run only");
    refuse("process_peak_bytes: 1", "b.yaml:1:1: process_peak_bytes is known of scopes only");
    refuse("sites: {a: {process_peak_bytes: 1}}",
           "b.yaml:1:13: process_peak_bytes is known of scopes only");
    refuse("frames: {leaked_count: {definite: 1}}", "b.yaml:1:25: unknown statistic 'definite'");
    refuse("suppressions: [a]", "b.yaml:1:15: a file was expected here");
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

static void check(const char *text, const char *why)
{
    struct budget budget = {0};
    struct err err = {0};
    parse(&budget, text);

    int result = budget_check(&budget, &err);

    assert_int_equal(result, why != NULL ? -EINVAL : 0);
    assert_string_equal(err.text, why != NULL ? why : "");
    budget_fini(&budget);
}

static void budget_check_refuses_what_cannot_be(void **state)
{
    (void)state;
    check("frames: {allocation_count: {p50: = 5, max: 4}}",
          "impossible limits: frames: allocation_count, p50 (line 1) must be 5 or more, frames: "
          "allocation_count, max (line 1) must be 4 or less");
    check("frames: {allocation_count: {p50: = 5, max: 5}}", NULL);
    check("frames: {allocation_count: {max: = 5, p50: 4}}", NULL);
    check("leaked_count: {definite: = 5, possible: 4}", NULL);
    check("threads: {t: {temporary_count: 3}}", NULL);
    check("threads: {t: {temporary_count: 3}}\nignore: {functions: a}",
          "threads 't': temporary_count (line 1): it cannot be told without what is ignored");
    check("functions: {a: {allocation_count: = 5}, b: {allocation_count: 4}}", NULL);
}

static void budget_check_holds_options_against_the_file(void **state)
{
    (void)state;
    struct budget budget = {0};
    struct err err = {0};
    const struct budget_limit given = {
        .metric = GATE_METRIC_ALLOCATION_COUNT, .at_most = 9, .option = "max-allocs"};
    parse(&budget, "\nallocation_count: = 10\n");
    assert_int_equal(budget_add(&budget, &given, &err), 0);

    assert_int_equal(budget_check(&budget, &err), -EINVAL);

    assert_string_equal(err.text, "impossible limits: allocation_count (line 2) must be 10 or "
                                  "more, allocation_count (--max-allocs) must be 9 or less");
    budget_fini(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budget_parse_takes_limits_of_every_subject),
        cmocka_unit_test(budget_parse_takes_kinds_of_leaks),
        cmocka_unit_test(budget_parse_takes_statistics_of_scopes_and_frames),
        cmocka_unit_test(budget_parse_takes_kinds_of_leaks_of_scopes),
        cmocka_unit_test(budget_parse_takes_names_to_ignore),
        cmocka_unit_test(budget_parse_tells_the_place_and_the_right_word),
        cmocka_unit_test(budget_parse_refuses_wrong_shapes),
        cmocka_unit_test(budget_parse_refuses_what_is_no_yaml),
        cmocka_unit_test(budget_parse_is_not_blown_up_by_aliases),
        cmocka_unit_test(budget_check_refuses_what_cannot_be),
        cmocka_unit_test(budget_check_holds_options_against_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
