#include "option_pages.h"

enum {
    WORDS_MAX = 16,
};

/* What one parse gave; argv lives here because the words point into it. */
struct parsed {
    char *argv[WORDS_MAX + 1];
    struct settings settings;
    struct option_arguments arguments;
    struct err err;
    int r;
};

static void parse_with(struct parsed *parsed, const struct option_page *with,
                       const char *const *words)
{
    static char name[] = "show";
    *parsed = (struct parsed){0};
    parsed->settings.limit_count = OPTION_NOT_GIVEN;
    parsed->argv[0] = name;
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < WORDS_MAX);
        parsed->argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    parsed->r = options_parse(with, argc, parsed->argv, &parsed->settings, &parsed->arguments,
                              &parsed->err);
}

#define PARSE(parsed, ...) parse_with(parsed, &page, (const char *const[]){__VA_ARGS__, NULL})

static void assert_words(const struct parsed *parsed, const char *expected)
{
    char joined[256] = "";
    size_t used = 0;
    for (int i = 0; i < parsed->arguments.count; i++) {
        used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%s", i > 0 ? " " : "",
                                 parsed->arguments.words[i]);
    }
    assert_string_equal(joined, expected);
    assert_null(parsed->arguments.words[parsed->arguments.count]);
}

static void options_parse_without_words_keeps_the_defaults(void **state)
{
    (void)state;
    struct parsed parsed;

    parse_with(&parsed, &page, (const char *const[]){NULL});

    assert_int_equal(parsed.r, 0);
    assert_int_equal(parsed.settings.limit_count, OPTION_NOT_GIVEN);
    assert_false(parsed.arguments.is_help_wanted);
    assert_words(&parsed, "");
}

static void options_parse_every_spelling_sets_the_value(void **state)
{
    (void)state;
    struct parsed parsed;
    const char *const spellings[][3] = {
        {"--top=7", NULL}, {"--top", "7", NULL}, {"-n7", NULL}, {"-n", "7", NULL}};

    for (size_t i = 0; i < 4; i++) {
        parse_with(&parsed, &page, spellings[i]);
        assert_int_equal(parsed.r, 0);
        assert_int_equal(parsed.settings.top_count, 7);
        assert_words(&parsed, "");
    }
}

static void options_parse_of_all_types_stores_each(void **state)
{
    (void)state;
    struct parsed parsed;

    PARSE(&parsed, "-qa", "--follow=yes", "-oout.db", "--thread", "main", "--thread=", "--sample",
          "64KiB", "--interval", "1.5ms", "--sort=count", "--max-allocs", "0");

    assert_int_equal(parsed.r, 0);
    assert_true(parsed.settings.is_quiet && parsed.settings.is_all && parsed.settings.is_followed);
    assert_string_equal(parsed.settings.output, "out.db");
    assert_int_equal(parsed.settings.threads.count, 2);
    assert_string_equal(parsed.settings.threads.items[0], "main");
    assert_string_equal(parsed.settings.threads.items[1], "");
    assert_int_equal(parsed.settings.sample_bytes, 65536);
    assert_int_equal(parsed.settings.interval_ns, 1500000);
    assert_int_equal(parsed.settings.order, BY_COUNT);
    assert_int_equal(parsed.settings.limit_count, 0);
    option_list_fini(&parsed.settings.threads);
    assert_int_equal(parsed.settings.threads.count, 0);
}

static void options_parse_words_may_stand_anywhere(void **state)
{
    (void)state;
    struct parsed parsed;

    PARSE(&parsed, "a", "-q", "-", "--top", "3", "b", "--", "--all", "-x");

    assert_int_equal(parsed.r, 0);
    assert_true(parsed.settings.is_quiet);
    assert_false(parsed.settings.is_all);
    assert_words(&parsed, "a - b --all -x");
}

static void options_parse_value_may_look_like_an_option(void **state)
{
    (void)state;
    struct parsed parsed;

    PARSE(&parsed, "--output", "--all", "-o-", "--thread", "--");

    assert_int_equal(parsed.r, 0);
    assert_string_equal(parsed.settings.output, "-");
    assert_string_equal(parsed.settings.threads.items[0], "--");
    assert_false(parsed.settings.is_all);
    option_list_fini(&parsed.settings.threads);
}

static void options_parse_command_line_belongs_to_the_command(void **state)
{
    (void)state;
    struct parsed parsed;

    parse_with(&parsed, &command_line_page,
               (const char *const[]){"-q", "ls", "--all", "--", "-n", "--help", NULL});

    assert_int_equal(parsed.r, 0);
    assert_true(parsed.settings.is_quiet);
    assert_false(parsed.settings.is_all);
    assert_false(parsed.arguments.is_help_wanted);
    assert_words(&parsed, "ls --all -- -n --help");
}

static void options_parse_command_behind_two_dashes_may_begin_with_one(void **state)
{
    (void)state;
    struct parsed parsed;

    parse_with(&parsed, &command_line_page, (const char *const[]){"--", "-odd", "--", "x", NULL});

    assert_int_equal(parsed.r, 0);
    assert_words(&parsed, "-odd -- x");
}

static void options_parse_help_wins_over_what_follows(void **state)
{
    (void)state;
    struct parsed parsed;

    PARSE(&parsed, "-q", "--help", "--nonsense");

    assert_int_equal(parsed.r, 0);
    assert_true(parsed.arguments.is_help_wanted);
}

static void options_parse_mistakes_are_told_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        const char *text;
    } cases[] = {
        {{"--tpo=3"}, "unknown option '--tpo': did you mean '--top'?"},
        {{"--quite"}, "unknown option '--quite': did you mean '--quiet'?"},
        {{"--hlep"}, "unknown option '--hlep': did you mean '--help'?"},
        {{"--zebra"}, "unknown option '--zebra'"},
        {{"--out", "x"}, "unknown option '--out'"},
        {{"-qz"}, "unknown option '-z'"},
        {{"--top"}, "option '--top' needs a value: N"},
        {{"-n"}, "option '--top' needs a value: N"},
        {{"--sort"}, "option '--sort' needs a value: bytes|count"},
        {{"--all=yes"}, "option '--all' takes no value, but was given 'yes'"},
        {{"--top=12x3"}, "option '--top': '12x3' is no number: unexpected 'x' at character 3"},
        {{"--top=-1"}, "option '--top': '-1' is no number: unexpected '-' at character 1"},
        {{"--top="}, "option '--top': '' ends where a digit was expected"},
        {{"--top=0"}, "option '--top': 0 is out of range, allowed is 1 to 1000"},
        {{"--top=1001"}, "option '--top': 1001 is out of range, allowed is 1 to 1000"},
        {{"--top=99999999999999999999"}, "option '--top': '99999999999999999999' is too large"},
        {{"--max-allocs=9223372036854775808"},
         "option '--max-allocs': 9223372036854775808 is out of range, allowed is 0 to "
         "9223372036854775807"},
        {{"--sample=1"}, "option '--sample': 1 is out of range, the least is 1KiB"},
        {{"--sample=5X"}, "option '--sample': '5X': unknown unit 'X', use k, M, G or T"},
        {{"--interval=10"}, "option '--interval': '10' has no unit, use ns, us, ms, s, min or h"},
        {{"--interval=2s"}, "option '--interval': 2s is out of range, allowed is 1us to 1s"},
        {{"--follow=maybe"}, "option '--follow' takes yes or no, not 'maybe'"},
        {{"--sort=coutn"}, "option '--sort' does not know 'coutn': did you mean 'count'?"},
        {{"--sort=colour"}, "option '--sort' does not know 'colour', it takes bytes|count"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed parsed;
        parse_with(&parsed, &page, cases[i].words);
        assert_int_equal(parsed.r, -EINVAL);
        assert_string_equal(parsed.err.text, cases[i].text);
    }
}

static void options_parse_names_are_not_abbreviated(void **state)
{
    (void)state;
    struct parsed parsed;

    PARSE(&parsed, "--max-alloc=1");

    assert_int_equal(parsed.r, -EINVAL);
    assert_int_equal(parsed.settings.limit_count, OPTION_NOT_GIVEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_parse_without_words_keeps_the_defaults),
        cmocka_unit_test(options_parse_every_spelling_sets_the_value),
        cmocka_unit_test(options_parse_of_all_types_stores_each),
        cmocka_unit_test(options_parse_words_may_stand_anywhere),
        cmocka_unit_test(options_parse_value_may_look_like_an_option),
        cmocka_unit_test(options_parse_command_line_belongs_to_the_command),
        cmocka_unit_test(options_parse_command_behind_two_dashes_may_begin_with_one),
        cmocka_unit_test(options_parse_help_wins_over_what_follows),
        cmocka_unit_test(options_parse_mistakes_are_told_in_one_line),
        cmocka_unit_test(options_parse_names_are_not_abbreviated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
