#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/report/page_strings.h"

static uint32_t add(struct intern *strings, const char *text)
{
    uint32_t number = UINT32_MAX;
    assert_int_equal(intern_add(strings, text, &number), 0);
    return number;
}

static void page_strings_add_numbers_each_text_once(void **state)
{
    (void)state;
    struct intern strings = {0};
    char same[] = "main";

    assert_int_equal(add(&strings, "main"), 0);
    assert_int_equal(add(&strings, "run"), 1);
    assert_int_equal(add(&strings, ""), 2);
    assert_int_equal(add(&strings, same), 0);

    struct str json = {0};
    assert_int_equal(page_strings_append(&strings, 1000, &json), 0);
    assert_string_equal(str_text(&json), "[\"main\",\n\"run\",\n\"\"]");
    str_fini(&json);
    intern_fini(&strings);
}

static void page_strings_tells_thousands_of_texts_apart(void **state)
{
    (void)state;
    enum {
        COUNT = 20000
    };
    static char texts[COUNT][16];
    struct intern strings = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "function_%u", i);
        assert_int_equal(add(&strings, texts[i]), i);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(add(&strings, texts[i]), i);
    }
    intern_fini(&strings);
}

static void page_strings_append_json_fits_the_longest_into_the_limit(void **state)
{
    (void)state;
    enum {
        COUNT = 100,
        LENGTH = 5000
    };
    struct intern strings = {0};
    char *texts = calloc(COUNT, LENGTH + 1);
    assert_non_null(texts);
    for (size_t i = 0; i < COUNT; i++) {
        char *text = texts + i * (LENGTH + 1);
        memset(text, 'x', LENGTH);
        (void)memcpy(text, &(char[]){(char)('a' + i % 26), (char)('a' + i / 26)}, 2);
        (void)add(&strings, text);
    }
    (void)add(&strings, "short");

    struct str json = {0};
    assert_int_equal(page_strings_append(&strings, 20000, &json), 0);

    assert_true(json.size_bytes < 20000 + 9 * (COUNT + 1));
    assert_true(json.size_bytes > 10000);
    assert_non_null(strstr(json.text, "\"short\""));
    assert_non_null(strstr(json.text, "\"aax"));
    str_fini(&json);
    free(texts);
    intern_fini(&strings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_strings_add_numbers_each_text_once),
        cmocka_unit_test(page_strings_tells_thousands_of_texts_apart),
        cmocka_unit_test(page_strings_append_json_fits_the_longest_into_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
