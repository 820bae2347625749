#include "../../analyzer/catalog/elf_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/base/suggest.h"

/* This program is linked with cmocka and SQLite. */
#define OWN_FILE "/proc/self/exe"

static struct elf_name_answer ask(const char *function)
{
    struct elf_name_answer answer;
    assert_int_equal(elf_names_ask(OWN_FILE, function, &answer, NULL), 0);
    return answer;
}

static void elf_names_ask_finds_functions_of_libraries(void **state)
{
    (void)state;
    assert_true(ask("_cmocka_run_group_tests").is_in_library);
    assert_true(ask("malloc").is_in_library); /* of one that a library needs, too */
    assert_false(ask("malloc").is_in_program);
    assert_true(ask("malloc").is_complete);
}

static void elf_names_ask_does_not_find_what_is_not_there(void **state)
{
    (void)state;
    assert_false(ask("no_such_function_anywhere").is_in_library);
    assert_false(ask("elf_names_ask").is_in_program); /* not exported */
    assert_false(ask("environ").is_in_library);       /* no function */
}

static void elf_names_ask_lists_all_for_a_suggestion(void **state)
{
    (void)state;
    struct elf_name_answer answer;
    struct elf_names names = {.count = 0};

    assert_int_equal(elf_names_ask(OWN_FILE, "x", &answer, &names), 0);

    assert_true(names.count > 100);
    assert_null(names.items[names.count]);
    assert_string_equal(suggest_nearest("_cmocka_run_grup_tests", (const char *const *)names.items),
                        "_cmocka_run_group_tests");
    elf_names_fini(&names);
}

static void elf_names_takes_what_is_not_its_own(void **state)
{
    (void)state;
    assert_true(elf_names_takes(OWN_FILE, "_cmocka_run_group_tests"));
    assert_false(elf_names_takes(OWN_FILE, "no_such_function_anywhere"));
    assert_false(elf_names_gives(OWN_FILE, "_cmocka_run_group_tests"));
}

static void elf_names_of_no_file_are_none(void **state)
{
    (void)state;
    struct elf_name_answer answer;

    assert_int_equal(elf_names_ask("/no/such/file", "malloc", &answer, NULL), 0);

    assert_false(answer.is_in_library);
    assert_false(elf_names_takes("/dev/null", "malloc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elf_names_ask_finds_functions_of_libraries),
        cmocka_unit_test(elf_names_ask_does_not_find_what_is_not_there),
        cmocka_unit_test(elf_names_ask_lists_all_for_a_suggestion),
        cmocka_unit_test(elf_names_takes_what_is_not_its_own),
        cmocka_unit_test(elf_names_of_no_file_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
