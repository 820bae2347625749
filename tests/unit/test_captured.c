#include "../../analyzer/trial/captured.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct captured capture(const char *text)
{
    struct captured captured = {0};
    captured_add(&captured, text, strlen(text));
    return captured;
}

static const char *last_line(const struct captured *captured)
{
    static char line[CAPTURED_LINE_BYTES];
    captured_last_line(captured, line);
    return line;
}

static void captured_is_same_however_it_was_cut(void **state)
{
    (void)state;
    struct captured whole = capture("one\ntwo\n");
    struct captured parts = {0};
    captured_add(&parts, "one", 3);
    captured_add(&parts, "\ntwo\n", 5);

    assert_true(captured_is_same(&whole, &parts));
    assert_int_equal(parts.size_bytes, 8);
}

static void captured_is_other_for_one_other_byte(void **state)
{
    (void)state;
    struct captured empty = {0};
    struct captured text = capture("one\ntwo\n");
    struct captured other = capture("one\ntwp\n");
    struct captured swapped = capture("two\none\n");
    struct captured shorter = capture("one\ntwo");

    assert_false(captured_is_same(&text, &other));
    assert_false(captured_is_same(&text, &swapped));
    assert_false(captured_is_same(&text, &shorter));
    assert_false(captured_is_same(&text, &empty));
}

static void captured_begins_with_what_came_first(void **state)
{
    (void)state;
    struct captured captured = capture("ERROR: x");
    char much[2 * CAPTURED_END_BYTES];
    memset(much, 'y', sizeof(much));
    captured_add(&captured, much, sizeof(much));

    assert_true(captured_begins_with(&captured, "ERROR: "));
    assert_true(captured_begins_with(&captured, "ERROR: xyyy"));
    assert_false(captured_begins_with(&captured, "y"));
    assert_int_equal(captured.first_bytes, CAPTURED_END_BYTES);
}

static void captured_last_line_is_the_last_that_says_something(void **state)
{
    (void)state;
    struct captured empty = {0};
    struct captured blank = capture("\n\n");
    struct captured one = capture("alone");
    struct captured many = capture("first\nsecond\nlast\r\n\n");

    assert_string_equal(last_line(&empty), "");
    assert_string_equal(last_line(&blank), "");
    assert_string_equal(last_line(&one), "alone");
    assert_string_equal(last_line(&many), "last");
}

static void captured_last_line_after_much_else_is_kept(void **state)
{
    (void)state;
    struct captured captured = {0};
    for (unsigned i = 0; i < 1000; i++) {
        captured_add(&captured, "some line\n", 10);
    }
    captured_add(&captured, "the ", 4);
    captured_add(&captured, "end\n", 4);

    assert_string_equal(last_line(&captured), "the end");
    assert_int_equal(captured.last_bytes, CAPTURED_END_BYTES);
}

static void captured_last_line_that_is_long_is_cut(void **state)
{
    (void)state;
    char much[3 * CAPTURED_END_BYTES];
    memset(much, 'x', sizeof(much));
    struct captured captured = {0};
    captured_add(&captured, much, sizeof(much));

    assert_int_equal(strlen(last_line(&captured)), CAPTURED_LINE_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_is_same_however_it_was_cut),
        cmocka_unit_test(captured_is_other_for_one_other_byte),
        cmocka_unit_test(captured_begins_with_what_came_first),
        cmocka_unit_test(captured_last_line_is_the_last_that_says_something),
        cmocka_unit_test(captured_last_line_after_much_else_is_kept),
        cmocka_unit_test(captured_last_line_that_is_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
