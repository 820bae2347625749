#include "../../analyzer/base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint32_t number_of(struct words *words, const char *text)
{
    uint32_t number = UINT32_MAX;
    assert_int_equal(words_number(words, text, strlen(text), &number), 0);
    return number;
}

static void words_number_is_the_same_for_the_same_text(void **state)
{
    (void)state;
    struct words words = {.count = 0};

    assert_int_equal(number_of(&words, "frame"), 0);
    assert_int_equal(number_of(&words, ""), 1);
    assert_int_equal(number_of(&words, "fram"), 2);
    assert_int_equal(number_of(&words, "frame"), 0);

    assert_int_equal(words.count, 3);
    assert_string_equal(words.items[1], "");
    words_fini(&words);
}

static void words_number_takes_a_part_of_a_text(void **state)
{
    (void)state;
    struct words words = {.count = 0};
    uint32_t number;

    assert_int_equal(words_number(&words, "frames", 5, &number), 0);
    assert_string_equal(words.items[number], "frame");
    assert_int_equal(words_number(&words, "frame", 100, &number), 0);
    assert_int_equal(number, 0);
    words_fini(&words);
}

static void words_number_tells_many_apart(void **state)
{
    (void)state;
    struct words words = {.count = 0};
    char text[16];

    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            (void)snprintf(text, sizeof(text), "name %u", i);
            assert_int_equal(number_of(&words, text), i);
        }
    }
    words_fini(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_number_is_the_same_for_the_same_text),
        cmocka_unit_test(words_number_takes_a_part_of_a_text),
        cmocka_unit_test(words_number_tells_many_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
