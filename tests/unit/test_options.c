#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/cli/completion.h"
#include "../../analyzer/cli/manual.h"
#include "../../analyzer/cli/options.h"

enum order {
    BY_BYTES,
    BY_COUNT,
};

struct settings {
    bool is_quiet;
    bool is_all;
    bool is_followed;
    const char *output;
    struct option_list threads;
    uint64_t top_count;
    uint64_t limit_count;
    uint64_t sample_bytes;
    uint64_t interval_ns;
    enum order order;
};

static const struct option_spec specs[] = {
    {"quiet", 'q', NULL, "say less", NULL, OPTION_FLAG_AT(struct settings, is_quiet)},
    {"all", 'a', NULL, "show all", NULL, OPTION_FLAG_AT(struct settings, is_all)},
    {"follow", '\0', NULL, "record children too", "yes",
     OPTION_YES_NO_AT(struct settings, is_followed)},
    {"output", 'o', "FILE", "where to write", "./allocaudit.db",
     OPTION_TEXT_AT(struct settings, output)},
    {"thread", '\0', "NAME", "only these threads; may be repeated", NULL,
     OPTION_LIST_AT(struct settings, threads)},
    {"top", 'n', "N", "show the N largest", "20", OPTION_COUNT_AT(struct settings, top_count),
     .min = 1, .max = 1000},
    {"max-allocs", '\0', "N", "how many there may be", NULL,
     OPTION_COUNT_AT(struct settings, limit_count)},
    {"sample", '\0', "BYTES", "how much between two samples", "512 KiB",
     OPTION_BYTES_AT(struct settings, sample_bytes), .min = 1024},
    {"interval", '\0', "TIME", "how often to look", "10ms",
     OPTION_DURATION_AT(struct settings, interval_ns), .min = 1000, .max = 1000000000},
    {"sort", '\0', NULL, "what to sort by", "bytes", OPTION_CHOICE_AT(struct settings, order),
     .choices = OPTION_WORDS("bytes", "count")},
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit show x.db", "show it"},
    {"allocaudit show --top 3", "the first three"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "A paragraph that is long enough to need more than one line of sixty columns, with a-hyphen.",
    NULL,
};

static const struct option_page page = {
    .command = "show",
    .purpose = "show a thing",
    .usage = "[FILE] [options]",
    .examples = examples,
    .options = specs,
    .paragraphs = paragraphs,
};

static const struct option_page command_line_page = {
    .command = "run",
    .purpose = "run a thing",
    .usage = "[options] COMMAND [ARG...]",
    .examples = examples,
    .options = specs,
    .is_command_line = true,
};

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

static void options_read_bytes_knows_the_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"512", 512},
        {"512B", 512},
        {"512k", 512 << 10},
        {"64KiB", 64 << 10},
        {"64KB", 64 << 10},
        {"10M", 10 << 20},
        {"1.5MiB", 3 << 19},
        {"2GiB", UINT64_C(2) << 30},
        {"1T", UINT64_C(1) << 40},
        {"0.5TiB", UINT64_C(1) << 39},
        {"18446744073709551615", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes = 1;
        assert_int_equal(options_read_bytes(cases[i].text, &bytes, NULL), 0);
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void options_read_duration_knows_the_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ns;
    } cases[] = {
        {"0", 0},
        {"7ns", 7},
        {"100us", 100 * 1000},
        {"10ms", 10 * 1000 * 1000},
        {"2s", UINT64_C(2000000000)},
        {"1.5s", UINT64_C(1500000000)},
        {"0.000000001s", 1},
        {"2min", UINT64_C(120000000000)},
        {"1.25h", UINT64_C(4500000000000)},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ns = 1;
        assert_int_equal(options_read_duration(cases[i].text, &ns, NULL), 0);
        assert_int_equal(ns, cases[i].ns);
    }
}

static void options_read_refuses_what_is_no_value(void **state)
{
    (void)state;
    static const char *const bad_bytes[] = {"",    " 1",   "1 k", "k",  "1.k",
                                            "1.5", "0x10", "1kk", "-1", "1e3"};
    static const char *const bad_times[] = {"", "1", "1.5ns", "1 s", "s", "1m", "1.s"};
    uint64_t value = 77;

    for (size_t i = 0; i < sizeof(bad_bytes) / sizeof(bad_bytes[0]); i++) {
        assert_int_equal(options_read_bytes(bad_bytes[i], &value, NULL), -EINVAL);
    }
    for (size_t i = 0; i < sizeof(bad_times) / sizeof(bad_times[0]); i++) {
        assert_int_equal(options_read_duration(bad_times[i], &value, NULL), -EINVAL);
    }
    assert_int_equal(options_read_bytes("17000000T", &value, NULL), -ERANGE);
    assert_int_equal(options_read_bytes("16777215.9999999999T", &value, NULL), 0);
    assert_int_equal(value >> 40, 16777215);
    assert_int_equal(options_read_duration("6000000h", &value, NULL), -ERANGE);
    assert_int_equal(options_read_count("18446744073709551616", &value, NULL), -ERANGE);
}

static void options_is_file_name_tells_files_from_words(void **state)
{
    (void)state;
    assert_true(options_is_file_name("a.db"));
    assert_true(options_is_file_name("./x"));
    assert_true(options_is_file_name("/tmp/allocaudit"));
    assert_false(options_is_file_name("sites"));
    assert_false(options_is_file_name(".db"));
    assert_false(options_is_file_name("x.dbx"));
}

static char *capture(void (*print)(FILE *stream))
{
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *stream = open_memstream(&text, &size_bytes);
    assert_non_null(stream);
    print(stream);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void print_help_at_60(FILE *stream)
{
    options_print_help(&page, 60, stream);
}

static void options_print_help_wraps_and_aligns(void **state)
{
    (void)state;
    char *text = capture(print_help_at_60);

    assert_string_equal(text, "show: show a thing\n"
                              "usage: allocaudit show [FILE] [options]\n"
                              "\n"
                              "examples:\n"
                              "  allocaudit show x.db     show it\n"
                              "  allocaudit show --top 3  the first three\n"
                              "\n"
                              "options:\n"
                              "  -q, --quiet             say less\n"
                              "  -a, --all               show all\n"
                              "      --follow yes|no     record children too (default: yes)\n"
                              "  -o, --output FILE       where to write (default:\n"
                              "                          ./allocaudit.db)\n"
                              "      --thread NAME       only these threads; may be\n"
                              "                          repeated\n"
                              "  -n, --top N             show the N largest (default: 20)\n"
                              "      --max-allocs N      how many there may be\n"
                              "      --sample BYTES      how much between two samples\n"
                              "                          (default: 512 KiB)\n"
                              "      --interval TIME     how often to look (default: 10ms)\n"
                              "      --sort bytes|count  what to sort by (default: bytes)\n"
                              "  -h, --help              this text\n"
                              "\n"
                              "A paragraph that is long enough to need more than one line\n"
                              "of sixty columns, with a-hyphen.\n");
    free(text);
}

static void print_manual(FILE *stream)
{
    manual_print_command(&page, stream);
}

static void manual_print_command_names_every_option(void **state)
{
    (void)state;
    char *text = capture(print_manual);

    static const char *const names[] = {"quiet",    "all",  "follow",       "output",
                                        "thread",   "top",  "max\\-allocs", "sample",
                                        "interval", "sort", "help"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "\\fB\\-\\-%s\\fR", names[i]);
        assert_non_null(strstr(text, name));
    }
    assert_ptr_equal(strstr(text, ".TH ALLOCAUDIT\\-SHOW 1 "), text);
    free(text);
}

static void print_completion(FILE *stream)
{
    const struct option_page *const pages[] = {&page, &command_line_page, NULL};
    completion_print_bash(pages, stream);
}

static const char completion_driver[] =
    "\n"
    "ask()\n"
    "{\n"
    "    COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n"
    "    _allocaudit allocaudit \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"\n"
    "    [[ \"${COMPREPLY[*]}\" == \"$expected\" ]] || exit 1\n"
    "}\n"
    "expected=show; ask allocaudit sh\n"
    "expected='show run --help --version'; ask allocaudit help ''; expected=--help; ask allocaudit "
    "show --he\n"
    "expected=--max-allocs; ask allocaudit show x.db --ma\n"
    "expected='bytes count'; ask allocaudit show --sort ''\n"
    "expected=count; ask allocaudit show --sort = c; ask allocaudit run --sort c\n"
    "expected=/dev/null; ask allocaudit show /dev/nul; ask allocaudit run -o x ls /dev/nul\n"
    "expected=; ask allocaudit run ls --sor; ask allocaudit run -q -- ls --sor\n"
    "expected=; ask allocaudit run --sort = count ls --sor\n"
    "expected=--sort; ask allocaudit run -o x --thread y --sor\n";

static void completion_print_bash_completes_in_a_shell(void **state)
{
    (void)state;
    char *text = capture(print_completion);
    FILE *shell = popen("bash --norc", "w");
    assert_non_null(shell);

    assert_true(fputs(text, shell) >= 0);
    assert_true(fputs(completion_driver, shell) >= 0);

    assert_int_equal(pclose(shell), 0);
    free(text);
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
        cmocka_unit_test(options_read_bytes_knows_the_units),
        cmocka_unit_test(options_read_duration_knows_the_units),
        cmocka_unit_test(options_read_refuses_what_is_no_value),
        cmocka_unit_test(options_is_file_name_tells_files_from_words),
        cmocka_unit_test(options_print_help_wraps_and_aligns),
        cmocka_unit_test(manual_print_command_names_every_option),
        cmocka_unit_test(completion_print_bash_completes_in_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
