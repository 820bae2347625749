#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/base/str.h"
#include "../../analyzer/base/vec.h"

static void str_append_of_everything_grows_in_order(void **state)
{
    (void)state;
    struct str str = {0};
    assert_string_equal(str_text(&str), "");

    assert_int_equal(str_append(&str, "ab"), 0);
    assert_int_equal(str_append_char(&str, 'c'), 0);
    assert_int_equal(str_append_repeated(&str, '-', 3), 0);
    assert_int_equal(str_append_bytes(&str, "xyz", 2), 0);
    assert_int_equal(str_printf(&str, "%d|%s", 42, "end"), 0);

    assert_string_equal(str.text, "abc---xy42|end");
    assert_int_equal(str.size_bytes, strlen(str.text));
    str_fini(&str);
    assert_null(str.text);
}

static void str_append_past_every_capacity_keeps_the_content(void **state)
{
    (void)state;
    struct str str = {0};

    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(str_append_char(&str, (char)('a' + i % 26)), 0);
        assert_true(str.capacity_bytes > str.size_bytes);
        assert_int_equal(str.text[str.size_bytes], '\0');
    }

    assert_int_equal(str.size_bytes, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(str.text[i], 'a' + i % 26);
    }
    str_fini(&str);
}

static void str_printf_longer_than_the_room_is_whole(void **state)
{
    (void)state;
    struct str str = {0};
    char word[3000];
    memset(word, 'w', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';

    assert_int_equal(str_printf(&str, "<%s>", word), 0);

    assert_int_equal(str.size_bytes, sizeof(word) + 1);
    assert_int_equal(str.text[sizeof(word)], '>');
    str_fini(&str);
}

static void str_append_of_an_impossible_size_fails_and_keeps_the_content(void **state)
{
    (void)state;
    struct str str = {0};
    assert_int_equal(str_append(&str, "kept"), 0);

    assert_int_equal(str_append_repeated(&str, 'x', SIZE_MAX), -ENOMEM);
    assert_int_equal(str_append_repeated(&str, 'x', SIZE_MAX / 2 - 4), -ENOMEM);

    assert_string_equal(str.text, "kept");
    str_fini(&str);
}

static void str_clear_keeps_the_memory(void **state)
{
    (void)state;
    struct str str = {0};
    str_clear(&str);
    assert_int_equal(str_append(&str, "something"), 0);
    const size_t capacity_bytes = str.capacity_bytes;

    str_clear(&str);

    assert_string_equal(str_text(&str), "");
    assert_int_equal(str.capacity_bytes, capacity_bytes);
    str_fini(&str);
}

static void str_append_quoted_words_survive_a_shell(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain-word_1.2/x", "plain-word_1.2/x"},
        {"", "''"},
        {"two words", "'two words'"},
        {"it's", "'it'\\''s'"},
        {"$HOME", "'$HOME'"},
        {"~", "'~'"},
        {"a\nb", "'a\nb'"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str str = {0};
        assert_int_equal(str_append_quoted(&str, cases[i][0]), 0);
        assert_string_equal(str.text, cases[i][1]);
        str_fini(&str);
    }
}

static void vec_reserve_grows_and_refuses_what_overflows(void **state)
{
    (void)state;
    uint64_t *items = NULL;
    size_t capacity = 0;

    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(vec_reserve((void **)&items, &capacity, i + 1, sizeof(*items)), 0);
        items[i] = i;
    }
    const size_t old_capacity = capacity;
    int r = vec_reserve((void **)&items, &capacity, SIZE_MAX / 4, sizeof(*items));

    assert_int_equal(r, -ENOMEM);
    assert_int_equal(capacity, old_capacity);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(items[i], i);
    }
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_append_of_everything_grows_in_order),
        cmocka_unit_test(str_append_past_every_capacity_keeps_the_content),
        cmocka_unit_test(str_printf_longer_than_the_room_is_whole),
        cmocka_unit_test(str_append_of_an_impossible_size_fails_and_keeps_the_content),
        cmocka_unit_test(str_clear_keeps_the_memory),
        cmocka_unit_test(str_append_quoted_words_survive_a_shell),
        cmocka_unit_test(vec_reserve_grows_and_refuses_what_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
