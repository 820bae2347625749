#include "plan_file.h"

#include <errno.h>

static void plan_read_whole_plan_is_taken(void **state)
{
    (void)state;
    struct plan plan;
    struct err err;

    assert_int_equal(
        plan_file_read("{\"note\": \"x\", \"modules\": [\"a.so\", \"b.so\"], \"rules\": ["
                       "{\"name\": \"nodes\", \"match\": {\"functions\": [\"f\", \"g*\"], "
                       "\"module\": \"lib*\", \"thread\": \"w?\", \"size_min_bytes\": 16, "
                       "\"size_max_bytes\": 64}, \"policy\": \"pool\", "
                       "\"parameters\": {\"chunk_bytes\": 8192, \"sizes\": [16, 64]}},"
                       "{\"name\": \"rest\", \"policy\": \"buddy:lazy_count=3\", "
                       "\"parameters\": {\"is_weighted\": 1}}]}",
                       &plan, &err),
        0);

    assert_int_equal(plan.module_count, 2);
    assert_string_equal(plan.modules[1], "b.so");
    assert_int_equal(plan.rule_count, 2);
    const struct plan_rule *rule = &plan.rules[0];
    assert_string_equal(rule->name, "nodes");
    assert_int_equal(rule->function_count, 2);
    assert_string_equal(rule->functions[1], "g*");
    assert_string_equal(rule->module, "lib*");
    assert_string_equal(rule->thread, "w?");
    assert_int_equal(rule->size_min_bytes, 16);
    assert_int_equal(rule->size_max_bytes, 64);
    assert_string_equal(rule->settings_text, "pool:chunk_bytes=8192,sizes=16+64");
    assert_int_equal(rule->settings.sizes[1], 64);
    rule = &plan.rules[1];
    assert_int_equal(rule->function_count, 0);
    assert_string_equal(rule->module, "");
    assert_true(rule->size_max_bytes == UINT64_MAX);
    assert_string_equal(rule->settings_text, "buddy:lazy_count=3,is_weighted=1");
    plan_fini(&plan);
}

#define RULE "{\"name\": \"x\", \"policy\": \"pool\""

static void plan_read_mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *what;
    } cases[] = {
        {"", ": it is empty"},
        {"{\n \"rules\": [\n ]", ":4:1: no valid YAML"},
        {"{\"rules\": [" RULE "}]} x", "<document start>"},
        {"{}\n---\n{}", ":3:1: nothing more was expected here"},
        {"3", ":1:1: a plan must be 'name: value' lines"},
        {"[]", ":1:1: a plan must be 'name: value' lines"},
        {"{}", ":1:1: the plan has no rules"},
        {"{\"rules\": {}}", ":1:11: 'rules' must be a list"},
        {"{\"rules\": []}", ":1:1: the plan has no rules"},
        {"{\"rules\": [true]}", ":1:12: a rule must be 'name: value' lines"},
        {"{\"rule\": []}", ":1:2: unknown key 'rule': did you mean 'rules'?"},
        {"{\"rules\": [" RULE ", \"policy\": \"slab\"}]}", "'policy' stands already in line 1"},
        {"{\"rules\": [" RULE ", \"thread\": \"w\"}]}", ":1:44: unknown key 'thread'"},
        {"{\"rules\": [" RULE ", \"match\": []}]}", ":1:53: 'match' must be"},
        {"{\"rules\": [{\"policy\": \"pool\"}]}", ":1:12: the rule has no 'name'"},
        {"{\"rules\": [{\"name\": \"x\"}]}", ":1:12: the rule has no 'policy'"},
        {"{\"rules\": [{\"name\": \"a b\", \"policy\": \"pool\"}]}", "other characters than"},
        {"{\"rules\": [" RULE "}, " RULE "}]}", "name 'x' is that of another rule"},
        {"{\"rules\": [" RULE ", \"match\": {\"functions\": []}}]}", "at least one function"},
        {"{\"rules\": [" RULE ", \"match\": {\"module\": [1]}}]}", ":1:64: a name was expected"},
        {"{\"rules\": [" RULE ", \"match\": {\"thread\": \"a\\u0000b\"}}]}", "a name was expected"},
        {"{\"rules\": [" RULE ", \"match\": {\"size_max_bytes\": 1e3}}]}", "unknown unit 'e3'"},
        {"{\"rules\": [" RULE ", \"match\": {\"size_min_bytes\": 9, \"size_max_bytes\": 8}}]}",
         "size_min_bytes 9 is more than size_max_bytes 8"},
        {"{\"rules\": [" RULE ", \"parameters\": 5}]}", "'parameters' must be"},
        {"{\"rules\": [" RULE ", \"parameters\": {\"chunk_bytes\": 1.5}}]}",
         ":1:74: a whole number was expected here"},
        {"{\"rules\": [" RULE ", \"parameters\": {\"zone_bytes\": 65536}}]}", "unknown setting"},
        {"{\"rules\": [" RULE ", \"parameters\": {\"block_max_bytes\": 1048576}}]}",
         "16 to 262144 is possible"},
        {"{\"modules\": [\"\"], \"rules\": [" RULE "}]}", ":1:14: a name was expected here"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct plan plan;
        struct err err = {{0}};

        assert_int_equal(plan_file_read(cases[i].text, &plan, &err), -EINVAL);

        if (strstr(err.text, cases[i].what) == NULL) {
            fail_msg("%s: '%s' is not in: %s", cases[i].text, cases[i].what, err.text);
        }
        assert_int_equal(plan.rule_count, 0);
    }
}

static void plan_read_too_much_is_refused(void **state)
{
    (void)state;
    struct plan plan;
    struct err err;
    char *text = calloc(1, 8192);
    assert_non_null(text);
    size_t length = (size_t)snprintf(text, 8192, "{\"rules\": [");
    for (int i = 0; i < PLAN_RULES_MAX + 1; i++) {
        length +=
            (size_t)snprintf(text + length, 8192 - length,
                             "%s{\"name\": \"r%d\", \"policy\": \"pool\"}", i > 0 ? ", " : "", i);
    }
    snprintf(text + length, 8192 - length, "]}");

    assert_int_equal(plan_file_read(text, &plan, &err), -EINVAL);

    assert_non_null(strstr(err.text, "a plan has at most 32 rules"));
    free(text);
}

static void plan_read_missing_file_is_told(void **state)
{
    (void)state;
    struct plan plan;
    struct err err;

    assert_int_equal(plan_read(&plan, "/nonexistent/plan.json", &err), -ENOENT);
    assert_int_equal(plan_read(&plan, "/tmp", &err), -EISDIR);
}

static void plan_check_overlaps_only_contradictions_are_refused(void **state)
{
    (void)state;
#define FIRST(match)                                                                               \
    "{\"rules\": [{\"name\": \"a\", \"policy\": \"pool\", \"match\": {" match "}}, "
#define SECOND(match) "{\"name\": \"b\", \"policy\": \"pool\", \"match\": {" match "}}]}"
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {FIRST("") SECOND(""), -EINVAL},
        {FIRST("") SECOND("\"functions\": [\"f\"]"), -EINVAL},
        {FIRST("\"functions\": [\"f\"]") SECOND(""), 0},
        {FIRST("\"functions\": [\"f\"]") SECOND("\"functions\": [\"f\"]"), -EINVAL},
        {FIRST("\"functions\": [\"f\"]") SECOND("\"functions\": [\"f\", \"g\"]"), 0},
        {FIRST("\"functions\": [\"f\"]") SECOND("\"functions\": [\"f\"], \"module\": \"m\""), 0},
        {FIRST("\"thread\": \"t\"") SECOND("\"thread\": \"t\", \"functions\": [\"f\"]"), -EINVAL},
        {FIRST("\"thread\": \"t\"") SECOND("\"thread\": \"u\""), 0},
        {FIRST("\"size_max_bytes\": 9") SECOND("\"size_min_bytes\": 10"), 0},
        {FIRST("\"size_max_bytes\": 9") SECOND("\"size_min_bytes\": 9"), -EINVAL},
        {FIRST("\"size_min_bytes\": 5, \"size_max_bytes\": 9") SECOND("\"size_max_bytes\": 20"), 0},
        {FIRST("\"size_max_bytes\": 20") SECOND("\"size_min_bytes\": 5, \"size_max_bytes\": 9"),
         -EINVAL},
        {FIRST("\"size_max_bytes\": 20") SECOND("\"size_min_bytes\": 5, \"functions\": [\"f\"]"),
         0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct plan plan;
        struct err err = {{0}};

        int result = plan_file_read(cases[i].text, &plan, &err);

        if (result != cases[i].result) {
            fail_msg("%d for %s: %s", result, cases[i].text, err.text);
        }
        if (result < 0) {
            assert_non_null(strstr(err.text, "rules 'a' and 'b' overlap"));
        }
        plan_fini(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_read_whole_plan_is_taken),
        cmocka_unit_test(plan_read_mistakes_are_named_with_their_place),
        cmocka_unit_test(plan_read_too_much_is_refused),
        cmocka_unit_test(plan_read_missing_file_is_told),
        cmocka_unit_test(plan_check_overlaps_only_contradictions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
