#include "../../analyzer/trial/candidate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct err err;

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static int parse(struct candidates *candidates, const char *list, const char *setting,
                 const char *other)
{
    const char *settings[] = {setting, other};
    const size_t count = setting == NULL ? 0 : other == NULL ? 1 : 2;
    err.text[0] = '\0';
    return candidates_parse(candidates, list, settings, count, &err);
}

static void check_refused(const char *list, const char *setting, const char *reason)
{
    struct candidates candidates = {0};

    assert_int_equal(parse(&candidates, list, setting, NULL), -EINVAL);

    if (strstr(err.text, reason) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, reason);
    }
    candidates_fini(&candidates);
}

/* What the environment made for a candidate holds for that name; NULL: nothing. */
static const char *value_in(const struct variables *variables, const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < variables->count; i++) {
        if (strncmp(variables->items[i], name, length) == 0 && variables->items[i][length] == '=') {
            return variables->items[i] + length + 1;
        }
    }
    return NULL;
}

static void candidates_parse_list_keeps_its_order_and_labels(void **state)
{
    (void)state;
    struct candidates candidates = {0};

    assert_int_equal(parse(&candidates, "glibc@first,glibc,glibc@third", NULL, NULL), 0);

    assert_int_equal(candidates.count, 3);
    assert_string_equal(candidates.items[0].label, "glibc@first");
    assert_string_equal(candidates.items[1].label, "glibc");
    assert_string_equal(candidates.items[2].label, "glibc@third");
    for (size_t i = 0; i < candidates.count; i++) {
        assert_int_equal(candidates.items[i].allocator.kind, ALLOCATOR_GLIBC);
        assert_null(candidates.items[i].absence);
    }
    candidates_fini(&candidates);
}

static void candidates_parse_mistakes_are_named(void **state)
{
    (void)state;

    check_refused("", NULL, "empty");
    check_refused("glibc,,glibc@b", NULL, "empty");
    check_refused("glibc,", NULL, "empty");
    check_refused("glibc,glibc", NULL, "'glibc' is listed twice");
    check_refused("glibc,jemaloc", NULL, "did you mean 'jemalloc'?");
    check_refused("glibc,jemaloc@x", NULL, "unknown allocator 'jemaloc': did you mean 'jemalloc'?");
    check_refused("glibc", "NAME", "'NAME' is no setting");
    check_refused("glibc", "=value", "is no setting");
    check_refused("glibc", "1A=value", "is no setting");
    check_refused("glibc", "A B=value", "is no setting");
    check_refused("glibc", "glibc:=value", "is no setting");
    check_refused("glibc", "LD_PRELOAD=x", "LD_PRELOAD");
    check_refused("glibc", "glibc:LD_PRELOAD=x", "LD_PRELOAD");
    check_refused("glibc", "ALLOCAUDIT_POLICY=pool", "list the policy");
    check_refused("glibc,pool:chunk_bytes=17", NULL, "17");
    check_refused("glibc,glibc@low", "glibc@lwo:A=b", "did you mean 'glibc@low'?");
    check_refused("glibc", "mimalloc:A=b", "no candidate is called 'mimalloc'");
}

static void candidates_parse_library_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct candidates candidates = {0};

    assert_int_equal(parse(&candidates, "glibc,/no/such.so", NULL, NULL), -ENOENT);

    assert_string_equal(err.text, "cannot preload '/no/such.so': No such file or directory");
    candidates_fini(&candidates);
}

static void candidates_parse_setting_is_for_all_or_for_one(void **state)
{
    (void)state;
    struct candidates candidates = {0};

    assert_int_equal(parse(&candidates, "glibc,glibc@b", "A=1:2=3", "glibc@b:B=x:y"), 0);

    assert_int_equal(candidates.items[0].setting_count, 1);
    assert_string_equal(candidates.items[0].settings[0], "A=1:2=3");
    assert_int_equal(candidates.items[1].setting_count, 2);
    assert_string_equal(candidates.items[1].settings[1], "B=x:y");
    candidates_fini(&candidates);
}

/* Labels with ':' and '=': the longest that fits is meant. */
static void candidates_parse_setting_for_a_label_that_looks_like_one(void **state)
{
    (void)state;
    struct candidates candidates = {0};

    assert_int_equal(parse(&candidates, "glibc,glibc@a:B=c", "glibc@a:B=c:D=e", "glibc:F=g:h"), 0);

    assert_int_equal(candidates.items[0].setting_count, 1);
    assert_string_equal(candidates.items[0].settings[0], "F=g:h");
    assert_int_equal(candidates.items[1].setting_count, 1);
    assert_string_equal(candidates.items[1].settings[0], "D=e");
    candidates_fini(&candidates);
}

/* Made by hand, so that nothing needs to be installed. */
static struct candidate made(enum allocator_kind kind, const char *path, const char *policy,
                             const char **settings, size_t setting_count)
{
    struct candidate candidate = {.label = text("made"),
                                  .allocator = {.kind = kind},
                                  .settings = settings,
                                  .setting_count = setting_count};
    snprintf(candidate.allocator.path, sizeof(candidate.allocator.path), "%s", path);
    snprintf(candidate.allocator.policy, sizeof(candidate.allocator.policy), "%s", policy);
    return candidate;
}

static void candidate_fill_variables_adds_to_ours(void **state)
{
    (void)state;
    const char *settings[] = {"CANDIDATE_TEST=new", "CANDIDATE_OTHER=2"};
    struct candidate plain = made(ALLOCATOR_GLIBC, "", "", settings, 2);
    struct candidate library = made(ALLOCATOR_FILE, "/lib/a.so", "", NULL, 0);
    struct candidate policy = made(ALLOCATOR_POLICY, "/lib/ours.so", "pool", NULL, 0);
    struct variables first = {0};
    struct variables second = {0};
    struct variables third = {0};
    assert_int_equal(setenv("CANDIDATE_TEST", "old", 1), 0);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);

    assert_int_equal(candidate_fill_variables(&plain, &first), 0);
    assert_int_equal(candidate_fill_variables(&library, &second), 0);
    assert_int_equal(setenv("LD_PRELOAD", "/lib/b.so", 1), 0);
    assert_int_equal(candidate_fill_variables(&policy, &third), 0);
    assert_int_equal(unsetenv("LD_PRELOAD"), 0);

    assert_string_equal(value_in(&first, "CANDIDATE_TEST"), "new");
    assert_string_equal(value_in(&first, "CANDIDATE_OTHER"), "2");
    assert_null(value_in(&first, "LD_PRELOAD"));
    assert_string_equal(value_in(&second, "CANDIDATE_TEST"), "old");
    assert_string_equal(value_in(&second, "LD_PRELOAD"), "/lib/a.so");
    assert_string_equal(value_in(&third, "LD_PRELOAD"), "/lib/ours.so:/lib/b.so");
    assert_string_equal(value_in(&third, "ALLOCAUDIT_POLICY"), "pool");
    variables_fini(&first);
    variables_fini(&second);
    variables_fini(&third);
}

static void check_command(const struct candidate *candidate, const char *expected)
{
    struct str line = {0};
    char *command[] = {text("./app"), text("a b"), text("c"), NULL};

    assert_int_equal(candidate_append_command(candidate, command, &line), 0);

    assert_string_equal(str_text(&line), expected);
    str_fini(&line);
}

static void candidate_append_command_is_what_a_shell_needs(void **state)
{
    (void)state;
    const char *settings[] = {"A=1", "B=x y", "C="};
    struct candidate plain = made(ALLOCATOR_GLIBC, "", "", NULL, 0);
    struct candidate library = made(ALLOCATOR_FILE, "/lib/a.so.2", "", settings, 3);
    struct candidate policy = made(ALLOCATOR_POLICY, "/lib/ours.so", "pool", NULL, 0);

    check_command(&plain, "./app 'a b' c");
    check_command(&library, "A=1 B='x y' C= LD_PRELOAD=/lib/a.so.2 ./app 'a b' c");
    check_command(&policy, "ALLOCAUDIT_POLICY=pool LD_PRELOAD=/lib/ours.so ./app 'a b' c");
}

static void variables_set_replaces_the_whole_name_alone(void **state)
{
    (void)state;
    struct variables variables = {0};
    char *const from[] = {text("AB=1"), text("A=2"), text("ABC=3"), NULL};

    assert_int_equal(variables_copy(&variables, from), 0);
    assert_int_equal(variables_set(&variables, "A=4"), 0);
    assert_int_equal(variables_set_value(&variables, "D", "5=6"), 0);

    assert_int_equal(variables.count, 4);
    assert_string_equal(variables.items[0], "AB=1");
    assert_string_equal(variables.items[1], "A=4");
    assert_string_equal(variables.items[2], "ABC=3");
    assert_string_equal(variables.items[3], "D=5=6");
    assert_null(variables.items[4]);
    variables_fini(&variables);
}

static void candidates_parse_lists_make_every_combination(void **state)
{
    (void)state;
    struct candidates candidates = {0};
    const char *settings[] = {"GOGC=50,100", "X=1", "LIMIT=off,1GiB"};
    static const char *const labels[] = {"GOGC=50 LIMIT=off", "GOGC=50 LIMIT=1GiB",
                                         "GOGC=100 LIMIT=off", "GOGC=100 LIMIT=1GiB"};

    assert_int_equal(candidates_parse(&candidates, "glibc", settings, 3, &err), 0);

    assert_int_equal(candidates.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(candidates.items[i].label, labels[i]);
        assert_int_equal(candidates.items[i].setting_count, 3);
    }
    assert_string_equal(candidates.items[3].settings[0], "X=1");
    assert_string_equal(candidates.items[3].settings[1], "GOGC=100");
    assert_string_equal(candidates.items[3].settings[2], "LIMIT=1GiB");
    candidates_fini(&candidates);
}

static void candidates_parse_lists_keep_other_candidates_apart(void **state)
{
    (void)state;
    struct candidates candidates = {0};
    const char *settings[] = {"A=1,2", "glibc@b:B=3"};

    assert_int_equal(candidates_parse(&candidates, "glibc,glibc@b", settings, 2, &err), 0);

    assert_int_equal(candidates.count, 4);
    assert_string_equal(candidates.items[0].label, "glibc A=1");
    assert_string_equal(candidates.items[3].label, "glibc@b A=2");
    assert_int_equal(candidates.items[1].setting_count, 1);
    assert_int_equal(candidates.items[3].setting_count, 2);
    candidates_fini(&candidates);
}

static void candidates_parse_commas_of_a_value_stay(void **state)
{
    (void)state;
    struct candidates candidates = {0};
    const char *settings[] = {"MALLOC_CONF=narenas:2,tcache:false", "P=/a,/b", "G=x=1,y=2", "E=,",
                              "F=a,,b"};

    assert_int_equal(candidates_parse(&candidates, "glibc", settings, 5, &err), 0);

    assert_int_equal(candidates.count, 1);
    assert_int_equal(candidates.items[0].setting_count, 5);
    candidates_fini(&candidates);
}

static void candidates_parse_too_many_combinations_are_refused(void **state)
{
    (void)state;
    struct candidates candidates = {0};
    const char *settings[] = {"A=1,2,3,4,5,6,7,8,9", "B=1,2,3,4,5,6,7,8"};

    assert_int_equal(candidates_parse(&candidates, "glibc", settings, 2, &err), -EINVAL);

    assert_non_null(strstr(err.text, "72 candidates"));
    candidates_fini(&candidates);
}

static void candidates_parse_list_for_a_bad_name_is_refused(void **state)
{
    (void)state;
    struct candidates candidates = {0};
    const char *settings[] = {"LD_PRELOAD=a,b"};

    assert_int_equal(candidates_parse(&candidates, "glibc", settings, 1, &err), -EINVAL);
    candidates_fini(&candidates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_parse_list_keeps_its_order_and_labels),
        cmocka_unit_test(candidates_parse_mistakes_are_named),
        cmocka_unit_test(candidates_parse_library_that_is_not_there_is_an_error),
        cmocka_unit_test(candidates_parse_setting_is_for_all_or_for_one),
        cmocka_unit_test(candidates_parse_setting_for_a_label_that_looks_like_one),
        cmocka_unit_test(candidate_fill_variables_adds_to_ours),
        cmocka_unit_test(candidate_append_command_is_what_a_shell_needs),
        cmocka_unit_test(variables_set_replaces_the_whole_name_alone),
        cmocka_unit_test(candidates_parse_lists_make_every_combination),
        cmocka_unit_test(candidates_parse_lists_keep_other_candidates_apart),
        cmocka_unit_test(candidates_parse_commas_of_a_value_stay),
        cmocka_unit_test(candidates_parse_too_many_combinations_are_refused),
        cmocka_unit_test(candidates_parse_list_for_a_bad_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
