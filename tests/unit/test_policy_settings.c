#include "../../interposer/policy/settings.h"
#include "../../interposer/policy/size_classes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct policy_settings settings;
static struct policy_mistake mistake;

static void policy_settings_parse_a_name_gives_what_is_usual(void **state)
{
    (void)state;

    assert_true(policy_settings_parse("frame", &settings, &mistake));

    assert_int_equal(settings.kind, POLICY_FRAME);
    assert_int_equal(settings.values[FRAME_chunk_bytes], 65536);
    assert_int_equal(settings.size_count, 0);
}

static void policy_settings_parse_all_words_are_taken(void **state)
{
    (void)state;

    assert_true(policy_settings_parse("pool:chunk_bytes=8192,sizes=24+25+64,spare_chunks=3",
                                      &settings, &mistake));

    assert_int_equal(settings.values[POOL_chunk_bytes], 8192);
    assert_int_equal(settings.values[POOL_spare_chunks], 3);
    assert_int_equal(settings.size_count, 2); /* 24 and 25 are one class */
    assert_int_equal(settings.sizes[0], 32);
    assert_int_equal(settings.sizes[1], 64);
}

static void policy_settings_parse_mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *what;
        const char *word;
    } cases[] = {
        {"", "unknown policy", ""},
        {"pol", "unknown policy", "pol"},
        {"poolx", "unknown policy", "poolx"},
        {"pool:", "no value", ""},
        {"pool:chunk_bytes", "no value", "chunk_bytes"},
        {"pool:zone_bytes=65536", "unknown setting", "zone_bytes"},
        {"frame:sizes=16", "unknown setting", "sizes"},
        {"pool:chunk_bytes=x", "not a number", "x"},
        {"pool:chunk_bytes=-1", "not a number", "-1"},
        {"pool:chunk_bytes=99999999999999999999", "not a number", "99999999999999999999"},
        {"pool:chunk_bytes=5000", "not a power of two", "5000"},
        {"pool:chunk_bytes=16", "out of range", "16"},
        {"pool:sizes=0", "out of range", "0"},
        {"pool:sizes=64+16", "sizes must rise", "16"},
        {"pool:sizes=64+", "not a number", ""},
        {"buddy:is_weighted=2", "out of range", "2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(policy_settings_parse(cases[i].text, &settings, &mistake));
        assert_string_equal(mistake.what, cases[i].what);
        assert_int_equal(mistake.word_length, strlen(cases[i].word));
        assert_memory_equal(mistake.word, cases[i].word, mistake.word_length);
        assert_int_equal(mistake.most != 0, strcmp(cases[i].what, "out of range") == 0);
    }
}

static void size_classes_find_is_the_smallest_that_fits(void **state)
{
    (void)state;
    struct size_classes classes;
    policy_settings_init(&settings, POLICY_POOL);
    size_classes_init(&classes, &settings, 32768);

    for (size_t size = 0; size <= 32768; size++) {
        for (size_t alignment = 16; alignment <= 1024; alignment *= 8) {
            unsigned found = size_classes_find(&classes, size, alignment);
            assert_true(found < classes.count);
            assert_true(classes.sizes[found] >= size);
            assert_int_equal(classes.sizes[found] % alignment, 0);
            for (unsigned smaller = 0; smaller < found; smaller++) {
                assert_true(classes.sizes[smaller] < size ||
                            classes.sizes[smaller] % alignment != 0);
            }
        }
    }
    assert_int_equal(size_classes_find(&classes, 32769, 0), SIZE_CLASS_NONE);
    assert_true(classes.count <= SIZE_CLASSES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_settings_parse_a_name_gives_what_is_usual),
        cmocka_unit_test(policy_settings_parse_all_words_are_taken),
        cmocka_unit_test(policy_settings_parse_mistakes_are_named_with_their_place),
        cmocka_unit_test(size_classes_find_is_the_smallest_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
