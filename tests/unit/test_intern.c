#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/base/intern.h"

static void intern_add_numbers_texts_as_they_come(void **state)
{
    (void)state;
    static const char *const words[] = {"", "main", "operator new", "main", "", "run"};
    static const uint32_t wanted[] = {0, 1, 2, 1, 0, 3};
    struct intern intern = {0};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint32_t number = 99;
        assert_int_equal(intern_add(&intern, words[i], &number), 0);
        assert_int_equal(number, wanted[i]);
        assert_string_equal(intern_text(&intern, number), words[i]);
    }

    assert_int_equal(intern.count, 4);
    intern_fini(&intern);
}

static void intern_text_stays_where_it_is(void **state)
{
    (void)state;
    enum {
        TEXT_COUNT = 20000
    };
    struct intern intern = {0};
    uint32_t number = 0;
    assert_int_equal(intern_add(&intern, "text 0", &number), 0);
    const char *first = intern_text(&intern, number);

    for (uint32_t i = 1; i < TEXT_COUNT; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "text %u", i);
        assert_int_equal(intern_add(&intern, text, &number), 0);
        assert_int_equal(number, i);
    }

    assert_ptr_equal(intern_text(&intern, 0), first);
    assert_int_equal(intern_add(&intern, "text 12345", &number), 0);
    assert_int_equal(number, 12345);
    intern_fini(&intern);
}

static void intern_add_takes_texts_of_any_length(void **state)
{
    (void)state;
    enum {
        LONG_BYTES = 300000
    };
    char *text = malloc(LONG_BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', LONG_BYTES);
    text[LONG_BYTES] = '\0';
    struct intern intern = {0};
    uint32_t number = 0;

    assert_int_equal(intern_add(&intern, "short", &number), 0);
    assert_int_equal(intern_add(&intern, text, &number), 0);
    assert_int_equal(intern_add(&intern, "another", &number), 0);

    assert_string_equal(intern_text(&intern, 1), text);
    assert_string_equal(intern_text(&intern, 2), "another");
    intern_fini(&intern);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intern_add_numbers_texts_as_they_come),
        cmocka_unit_test(intern_text_stays_where_it_is),
        cmocka_unit_test(intern_add_takes_texts_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
