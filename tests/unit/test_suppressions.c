#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/model/site_leaks.h"
#include "../../analyzer/model/suppressions.h"

static void patterns_match_as_in_leak_sanitizer(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *text;
        bool is_like;
    } cases[] = {
        {"parse", "json_parse_value", true},
        {"parse", "print", false},
        {"^parse", "json_parse", false},
        {"^json", "json_parse", true},
        {"parse$", "json_parse", true},
        {"parse$", "json_parse_value", false},
        {"^a*c$", "abc", true},
        {"^a*c$", "abcd", false},
        {"a*d", "xabcdx", true},
        {"lib*.so", "/lib/libx.so.6", true},
        {"*", "anything", true},
        {"^json_parse$", "json_parse", true},
        {"^parse$", "json_parse", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(suppression_is_like(cases[i].pattern, cases[i].text), cases[i].is_like);
    }
}

static int read_text(const char *text, struct suppressions *suppressions, struct err *err)
{
    char path[] = "/tmp/suppressions-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    int result = suppressions_read(suppressions, path, err);
    unlink(path);
    return result;
}

static void comments_and_blank_lines_are_skipped(void **state)
{
    (void)state;
    struct suppressions suppressions;
    struct err err;

    int result = read_text("# known\n\nleak:libfontconfig\n  leak:^init$  \n", &suppressions, &err);

    assert_int_equal(result, 0);
    assert_int_equal(suppressions.count, 2);
    assert_string_equal(suppressions.items[0].pattern, "libfontconfig");
    assert_string_equal(suppressions.items[1].pattern, "^init$");
    suppressions_fini(&suppressions);
}

static void other_lines_are_told_with_their_number(void **state)
{
    (void)state;
    struct suppressions suppressions;
    struct err err;

    assert_int_equal(read_text("leak:a\nrace:b\n", &suppressions, &err), -EINVAL);
    assert_non_null(strstr(err.text, ":2: 'race:b' does not begin with 'leak:'"));
    suppressions_fini(&suppressions);

    assert_int_equal(read_text("leak:\n", &suppressions, &err), -EINVAL);
    suppressions_fini(&suppressions);
    assert_int_equal(suppressions_read(&suppressions, "/no/such/file", &err), -ENOENT);
    suppressions_fini(&suppressions);
}

static void kinds_are_parsed_strictly(void **state)
{
    (void)state;
    struct err err;
    unsigned kinds = 0;

    assert_int_equal(site_leaks_parse("definite,possible", &kinds, &err), 0);
    assert_int_equal(kinds, LEAK_BIT(LEAK_DEFINITE) | LEAK_BIT(LEAK_POSSIBLE));
    assert_int_equal(site_leaks_parse("definite,posible", &kinds, &err), -EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'possible'"));
    assert_int_equal(site_leaks_parse("", &kinds, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_in_leak_sanitizer),
        cmocka_unit_test(comments_and_blank_lines_are_skipped),
        cmocka_unit_test(other_lines_are_told_with_their_number),
        cmocka_unit_test(kinds_are_parsed_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
