#include "../../interposer/glob.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t next_random(void)
{
    static uint64_t state = 3;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

static void make_text(char *text, const char *letters, uint32_t letter_count, uint32_t limit)
{
    uint32_t length = next_random() % limit;
    for (uint32_t i = 0; i < length; i++) {
        *text++ = letters[next_random() % letter_count];
    }
    *text = '\0';
}

static void glob_matches_random_patterns_as_sqlite_does(void **state)
{
    (void)state;
    uint32_t matched_count = 0;
    for (int i = 0; i < 400000; i++) {
        char pattern[16];
        char text[16];
        make_text(pattern, "ab*?[]^-", 8, 9);
        make_text(text, "ab]-^", 5, 6);

        bool matches = glob_matches(pattern, text);

        if (matches != (sqlite3_strglob(pattern, text) == 0)) {
            fail_msg("'%s' and '%s': %d", pattern, text, matches);
        }
        matched_count += matches;
    }
    assert_true(matched_count > 1000);
}

static void glob_matches_plain_cases(void **state)
{
    (void)state;

    assert_true(glob_matches("worker*", "worker-12"));
    assert_true(glob_matches("*", ""));
    assert_true(glob_matches("", ""));
    assert_false(glob_matches("", "a"));
    assert_false(glob_matches("worker", "worker-12"));
    assert_true(glob_matches("lib[a-z]*.so*", "libxml2.so.2"));
    assert_false(glob_matches("lib[^x]*", "libxml2.so.2"));
    assert_true(glob_matches("*a*a*b", "aaaaaaaaaaaaaaaab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glob_matches_random_patterns_as_sqlite_does),
        cmocka_unit_test(glob_matches_plain_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
