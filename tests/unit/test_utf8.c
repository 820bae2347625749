#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/base/utf8.h"

struct spelling {
    const char *text;
    const char *visible;
    const char *json;
};

static const struct spelling spellings[] = {
    {"", "", "\"\""},
    {"std::vector<int>", "std::vector<int>", "\"std::vector<int>\""},
    {"\x1b[31mred", "\\x1b[31mred", "\"\\u001b[31mred\""},
    {"a\nb\tc\rd", "a\\nb\\tc\\x0dd", "\"a\\nb\\tc\\rd\""},
    {"\x7f", "\\x7f", "\"\\u007f\""},
    {"say \"hi\" \\o/", "say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\""},
    {"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
     "\"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80\""},
    /* the one-byte CSI of 8-bit terminals, as a character and as a raw byte */
    {"\xc2\x9b"
     "2J",
     "\\x9b2J", "\"\\u009b2J\""},
    {"\x9b"
     "2J",
     "\\x9b2J",
     "\"\xef\xbf\xbd"
     "2J\""},
    /* right-to-left override */
    {"a\xe2\x80\xae"
     "b",
     "a\\u202eb",
     "\"a\xe2\x80\xae"
     "b\""},
    /* overlong '/', a surrogate, beyond U+10FFFF, cut off */
    {"\xc0\xaf", "\\xc0\\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"x\xe6\x97", "x\\xe6\\x97", "\"x\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void utf8_append_visible_leaves_nothing_that_steers_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        struct str str = {0};
        assert_int_equal(utf8_append_visible(&str, spellings[i].text, strlen(spellings[i].text)),
                         0);
        assert_string_equal(str_text(&str), spellings[i].visible);
        str_fini(&str);
    }
}

static void utf8_append_json_escapes_and_replaces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        struct str str = {0};
        assert_int_equal(utf8_append_json(&str, spellings[i].text, strlen(spellings[i].text)), 0);
        assert_string_equal(str_text(&str), spellings[i].json);
        str_fini(&str);
    }
}

static void utf8_decode_every_character_comes_back(void **state)
{
    (void)state;
    for (uint32_t code = 0x80; code <= 0x10ffff; code += code < 0x1000 ? 1 : 251) {
        if (code >= 0xd800 && code <= 0xdfff) {
            continue;
        }
        char bytes[4];
        size_t size_bytes = 0;
        if (code < 0x800) {
            bytes[size_bytes++] = (char)(0xc0 | code >> 6);
        } else if (code < 0x10000) {
            bytes[size_bytes++] = (char)(0xe0 | code >> 12);
            bytes[size_bytes++] = (char)(0x80 | (code >> 6 & 0x3f));
        } else {
            bytes[size_bytes++] = (char)(0xf0 | code >> 18);
            bytes[size_bytes++] = (char)(0x80 | (code >> 12 & 0x3f));
            bytes[size_bytes++] = (char)(0x80 | (code >> 6 & 0x3f));
        }
        bytes[size_bytes++] = (char)(0x80 | (code & 0x3f));

        uint32_t decoded = 0;
        assert_int_equal(utf8_decode(bytes, size_bytes, &decoded), size_bytes);
        assert_int_equal(decoded, code);
        assert_int_equal(utf8_decode(bytes, size_bytes - 1, &decoded), 1);
        assert_int_equal(decoded, UTF8_INVALID);
    }
}

static void utf8_append_shortened_keeps_both_ends_and_whole_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t limit_bytes;
        const char *expected;
    } cases[] = {
        {"abcdef", 6, "abcdef"},
        {"abcdefg", 6,
         "abc\xe2\x80\xa6"
         "efg"},
        {"abcdefgh", 5,
         "ab\xe2\x80\xa6"
         "fgh"},
        /* a cut would fall into the first and into the last character */
        {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 3, "\xe2\x80\xa6\xc3\xa9"},
        {"a\xe6\x97\xa5zzzz\xe6\x97\xa5", 4, "a\xe2\x80\xa6"},
        {"abc", 0, "\xe2\x80\xa6"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str str = {0};
        assert_int_equal(
            utf8_append_shortened(&str, cases[i].text, strlen(cases[i].text), cases[i].limit_bytes),
            0);
        assert_string_equal(str_text(&str), cases[i].expected);
        str_fini(&str);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_append_visible_leaves_nothing_that_steers_a_terminal),
        cmocka_unit_test(utf8_append_json_escapes_and_replaces),
        cmocka_unit_test(utf8_decode_every_character_comes_back),
        cmocka_unit_test(utf8_append_shortened_keeps_both_ends_and_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
