#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/base/suggest.h"

static const char *const commands[] = {"run",     "report", "gate",    "sql",
                                       "recover", "help",   "version", NULL};

static void suggest_distance_counts_edits(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("", ""), 0);
    assert_int_equal(suggest_distance("abc", "abc"), 0);
    assert_int_equal(suggest_distance("abc", ""), 3);
    assert_int_equal(suggest_distance("", "abcd"), 4);
    assert_int_equal(suggest_distance("top", "tpo"), 1);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(suggest_distance("report", "reports"), 1);
    assert_int_equal(suggest_distance("abcdef", "badcfe"), 3);
}

static void suggest_distance_is_the_same_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i] != NULL; i++) {
        for (size_t j = 0; commands[j] != NULL; j++) {
            assert_int_equal(suggest_distance(commands[i], commands[j]),
                             suggest_distance(commands[j], commands[i]));
        }
    }
}

static void suggest_distance_of_an_endless_word_is_far(void **state)
{
    (void)state;
    char word[200];
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';

    assert_int_equal(suggest_distance(word, "a"), UINT_MAX);
    assert_int_equal(suggest_distance("a", word), UINT_MAX);
    assert_int_equal(suggest_distance(word + sizeof(word) - 64, word + sizeof(word) - 64), 0);
}

static void suggest_nearest_finds_what_was_meant(void **state)
{
    (void)state;
    assert_string_equal(suggest_nearest("reprot", commands), "report");
    assert_string_equal(suggest_nearest("rnu", commands), "run");
    assert_string_equal(suggest_nearest("gat", commands), "gate");
    assert_string_equal(suggest_nearest("recovery", commands), "recover");
    assert_string_equal(suggest_nearest("sqll", commands), "sql");
}

static void suggest_nearest_of_equally_near_begins_alike(void **state)
{
    (void)state;
    static const char *const words[] = {"max-peak", "max-leaks", "max-leap", NULL};
    assert_string_equal(suggest_nearest("max-leak", words), "max-leaks");
    assert_string_equal(suggest_nearest("max-lead", words), "max-leap");
}

static void suggest_nearest_of_something_else_is_nothing(void **state)
{
    (void)state;
    assert_null(suggest_nearest("xyz", commands));
    assert_null(suggest_nearest("", commands));
    assert_null(suggest_nearest("diff", commands));
    assert_null(suggest_nearest("x", commands));
    assert_null(suggest_nearest("a", (const char *const[]){"b", NULL}));
}

static void suggest_nearest_on_a_tie_takes_the_earlier(void **state)
{
    (void)state;
    const char *const words[] = {"bat", "cat", NULL};

    assert_ptr_equal(suggest_nearest("rat", words), words[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suggest_distance_counts_edits),
        cmocka_unit_test(suggest_distance_is_the_same_both_ways),
        cmocka_unit_test(suggest_distance_of_an_endless_word_is_far),
        cmocka_unit_test(suggest_nearest_finds_what_was_meant),
        cmocka_unit_test(suggest_nearest_of_equally_near_begins_alike),
        cmocka_unit_test(suggest_nearest_of_something_else_is_nothing),
        cmocka_unit_test(suggest_nearest_on_a_tie_takes_the_earlier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
