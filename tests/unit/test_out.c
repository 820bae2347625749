#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/cli/out.h"

typedef void document(struct out *out);

/* Prints the document into memory. The text is the caller's. */
static char *render(document *print, const struct out_settings *settings)
{
    char *text = NULL;
    size_t size_bytes = 0;
    struct err err = {""};
    struct out *out = NULL;
    FILE *stream = open_memstream(&text, &size_bytes);
    assert_non_null(stream);
    assert_int_equal(out_create("test", settings, stream, &out, &err), 0);
    print(out);
    assert_int_equal(out_finish(out, &err), 0);
    out_destroy(out);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static void assert_rendered(document *print, const struct out_settings *settings,
                            const char *expected)
{
    char *text = render(print, settings);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_table(document *print, const char *expected)
{
    assert_rendered(print, &(struct out_settings){.color = TERM_COLOR_NEVER}, expected);
}

static void assert_csv(document *print, const char *expected)
{
    assert_rendered(print, &(struct out_settings){.format = OUT_CSV}, expected);
}

/* Compares, and lets another program's parser read it. */
static void assert_json(document *print, const char *expected)
{
    char *text = render(print, &(struct out_settings){.format = OUT_JSON});
    assert_string_equal(text, expected);
    FILE *parser = popen("/usr/bin/python3 -m json.tool >/dev/null", "w");
    assert_non_null(parser);
    assert_true(fputs(text, parser) >= 0);
    assert_int_equal(pclose(parser), 0);
    free(text);
}

static void print_nothing(struct out *out)
{
    (void)out;
}

static void out_of_nothing_is_an_empty_document(void **state)
{
    (void)state;
    assert_table(print_nothing, "");
    assert_csv(print_nothing, "");
    assert_json(print_nothing,
                "{\n  \"schema\": 1,\n  \"command\": \"test\",\n  \"notes\": []\n}\n");
}

static void print_section(struct out *out)
{
    out_begin_section(out, "summary", "Summary");
    out_text(out, "command", "command", "./app --fast");
    out_text(out, "mark", "mark", NULL);
    out_bool(out, "is_complete", "complete", true);
    out_number(out, "pid", "pid", 47110);
    out_count(out, "allocation_count", "allocations", 1234567);
    out_bytes(out, "peak_bytes", "peak", 1258291);
    out_ns(out, "duration_ns", "duration", 3400000);
    out_percent(out, "leaked_pct", "leaked", 1, 3);
    out_percent(out, "share_pct", "share", 0, 0);
    out_real(out, "rate", "per second", 1234.5678, 1);
    out_real(out, "ratio", "ratio", NAN, 1);
    out_moment(out, "started_unix_ns", "started", INT64_C(1700000000123456789));
    out_number(out, "only_json", NULL, 5);
    out_text(out, NULL, "only people", "#####");
    out_end_section(out);
}

static void out_section_shows_every_kind_of_value(void **state)
{
    (void)state;
    assert_table(print_section, "Summary\n"
                                "  command      ./app --fast\n"
                                "  mark         -\n"
                                "  complete     yes\n"
                                "  pid          47110\n"
                                "  allocations  1,234,567\n"
                                "  peak         1.2 MiB\n"
                                "  duration     3.4 ms\n"
                                "  leaked       33.3 %\n"
                                "  share        -\n"
                                "  per second   1234.6\n"
                                "  ratio        -\n"
                                "  started      2023-11-14 22:13:20\n"
                                "  only people  #####\n");
    assert_json(print_section, "{\n"
                               "  \"schema\": 1,\n"
                               "  \"command\": \"test\",\n"
                               "  \"summary\": {\n"
                               "    \"command\": \"./app --fast\",\n"
                               "    \"mark\": null,\n"
                               "    \"is_complete\": true,\n"
                               "    \"pid\": 47110,\n"
                               "    \"allocation_count\": 1234567,\n"
                               "    \"peak_bytes\": 1258291,\n"
                               "    \"duration_ns\": 3400000,\n"
                               "    \"leaked_pct\": 33.3333,\n"
                               "    \"share_pct\": null,\n"
                               "    \"rate\": 1234.5678,\n"
                               "    \"ratio\": null,\n"
                               "    \"started_unix_ns\": 1700000000123456789,\n"
                               "    \"only_json\": 5\n"
                               "  },\n"
                               "  \"notes\": []\n"
                               "}\n");
    assert_csv(print_section, "");
}

static void print_site(struct out *out, int64_t count, int64_t bytes, const char *function)
{
    out_begin_row(out);
    out_count(out, "allocation_count", "allocations", count);
    out_bytes(out, "allocated_bytes", "bytes", bytes);
    out_text(out, "function", "function", function);
    out_end_row(out);
}

static void print_table(struct out *out)
{
    out_begin_table(out, "sites", "Hot sites");
    print_site(out, 1000, 64, "parse");
    print_site(out, 9, 3 << 20, "read_line");
    out_end_table(out);
    out_begin_table(out, "leaks", "Leaks");
    out_column(out, "leaked_count", "leaked");
    out_end_table(out);
}

static void out_table_aligns_numbers_right_and_text_left(void **state)
{
    (void)state;
    assert_table(print_table, "Hot sites\n"
                              "  allocations    bytes  function\n"
                              "        1,000     64 B  parse\n"
                              "            9  3.0 MiB  read_line\n"
                              "\n"
                              "Leaks\n"
                              "  (none)\n");
    assert_json(
        print_table,
        "{\n"
        "  \"schema\": 1,\n"
        "  \"command\": \"test\",\n"
        "  \"sites\": [\n"
        "    {\"allocation_count\": 1000, \"allocated_bytes\": 64, \"function\": \"parse\"},\n"
        "    {\"allocation_count\": 9, \"allocated_bytes\": 3145728, \"function\": "
        "\"read_line\"}\n"
        "  ],\n"
        "  \"leaks\": [],\n"
        "  \"notes\": []\n"
        "}\n");
    assert_csv(print_table, "allocation_count,allocated_bytes,function\n"
                            "1000,64,parse\n"
                            "9,3145728,read_line\n"
                            "leaked_count\n");
}

static void print_frame(struct out *out, const char *function, const char *place)
{
    out_begin_row(out);
    out_text(out, "function", "function", function);
    out_aside(out, "file", "file", place);
    out_end_row(out);
}

static void print_lists(struct out *out)
{
    out_begin_table(out, "sites", "Sites");
    out_begin_row(out);
    out_count(out, "count", "count", 7);
    out_begin_list(out, "stack");
    print_frame(out, "inner", "a.c:3");
    print_frame(out, "outermost", "b.c:14");
    out_end_list(out);
    out_text(out, "name", "name", "x");
    out_end_row(out);
    out_begin_row(out);
    out_count(out, "count", "count", 1000);
    out_begin_list(out, "stack");
    out_end_list(out);
    out_end_row(out);
    out_end_table(out);
    out_begin_section(out, "run", "Run");
    out_begin_list(out, "callers");
    out_begin_row(out);
    out_text(out, "function", "function", "main");
    out_begin_list(out, "callers");
    print_frame(out, "_start", NULL);
    out_end_list(out);
    out_end_row(out);
    out_end_list(out);
    out_number(out, "depth", "depth", 2);
    out_end_section(out);
}

static void out_list_stands_beneath_its_row(void **state)
{
    (void)state;
    assert_table(print_lists, "Sites\n"
                              "  count  name\n"
                              "      7  x\n"
                              "      inner      a.c:3\n"
                              "      outermost  b.c:14\n"
                              "  1,000\n"
                              "\n"
                              "Run\n"
                              "  depth  2\n"
                              "      main\n"
                              "          _start  -\n");
    assert_json(print_lists,
                "{\n"
                "  \"schema\": 1,\n"
                "  \"command\": \"test\",\n"
                "  \"sites\": [\n"
                "    {\"count\": 7, \"stack\": [{\"function\": \"inner\", \"file\": \"a.c:3\"}, "
                "{\"function\": \"outermost\", \"file\": \"b.c:14\"}], \"name\": \"x\"},\n"
                "    {\"count\": 1000, \"stack\": []}\n"
                "  ],\n"
                "  \"run\": {\n"
                "    \"callers\": [{\"function\": \"main\", \"callers\": [{\"function\": "
                "\"_start\", \"file\": null}]}],\n"
                "    \"depth\": 2\n"
                "  },\n"
                "  \"notes\": []\n"
                "}\n");
}

static void print_gaps(struct out *out)
{
    out_begin_table(out, "rows", NULL);
    out_column(out, "a", "a");
    out_column(out, "b", "b");
    out_column(out, "c", "c");
    out_begin_row(out);
    out_number(out, "c", "c", 3);
    out_number(out, "a", "a", 1);
    out_end_row(out);
    out_begin_row(out);
    out_null(out, "b", "b");
    out_text(out, "d", "d", "late");
    out_end_row(out);
    out_begin_row(out);
    out_end_row(out);
    out_end_table(out);
}

static void out_row_cells_find_their_columns(void **state)
{
    (void)state;
    assert_table(print_gaps, "a  b  c  d\n"
                             "1     3\n"
                             "   -     late\n"
                             "\n");
    assert_csv(print_gaps, "a,b,c\n1,,3\n,,,late\n,,,\n");
}

static void print_notes(struct out *out)
{
    out_note(out, "%d events were lost", 12);
    out_prose(out, "a plot\n | |\n\n\x1b[2J end");
    out_begin_table(out, "sites", "Sites");
    print_site(out, 1, 2, "f");
    out_end_table(out);
    out_begin_section(out, "time", "Time");
    out_prose(out, "behind the values");
    out_ns(out, "duration_ns", "duration", 1);
    out_end_section(out);
    out_note(out, "sampled: \"%s\"", "\x1b]0;title\x07");
}

static void out_notes_are_told_in_both_formats(void **state)
{
    (void)state;
    assert_table(print_notes, "a plot\n"
                              " | |\n"
                              "\n"
                              "\\x1b[2J end\n"
                              "\n"
                              "Sites\n"
                              "  allocations  bytes  function\n"
                              "            1    2 B  f\n"
                              "\n"
                              "Time\n"
                              "  duration  1 ns\n"
                              "  behind the values\n"
                              "\n"
                              "note: 12 events were lost\n"
                              "note: sampled: \"\\x1b]0;title\\x07\"\n");
    assert_json(print_notes,
                "{\n"
                "  \"schema\": 1,\n"
                "  \"command\": \"test\",\n"
                "  \"sites\": [\n"
                "    {\"allocation_count\": 1, \"allocated_bytes\": 2, \"function\": \"f\"}\n"
                "  ],\n"
                "  \"time\": {\n"
                "    \"duration_ns\": 1\n"
                "  },\n"
                "  \"notes\": [\n"
                "    \"12 events were lost\",\n"
                "    \"sampled: \\\"\\u001b]0;title\\u0007\\\"\"\n"
                "  ]\n"
                "}\n");
}

static void print_hostile_names(struct out *out)
{
    out_begin_table(out, "sites", "Sites");
    print_site(out, 1, 1, "\x1b[31mred\n\xff");
    print_site(out, 2, 1, "a \"b\" \\c,d");
    print_site(out, 3, 1, "caf\xc3\xa9");
    print_site(out, 4, 1, "");
    out_end_table(out);
}

static void out_names_cannot_steer_the_terminal_or_break_json(void **state)
{
    (void)state;
    assert_table(print_hostile_names, "Sites\n"
                                      "  allocations  bytes  function\n"
                                      "            1    1 B  \\x1b[31mred\\n\\xff\n"
                                      "            2    1 B  a \"b\" \\c,d\n"
                                      "            3    1 B  caf\xc3\xa9\n"
                                      "            4    1 B\n");
    assert_json(print_hostile_names,
                "{\n"
                "  \"schema\": 1,\n"
                "  \"command\": \"test\",\n"
                "  \"sites\": [\n"
                "    {\"allocation_count\": 1, \"allocated_bytes\": 1, \"function\": "
                "\"\\u001b[31mred\\n\xef\xbf\xbd\"},\n"
                "    {\"allocation_count\": 2, \"allocated_bytes\": 1, \"function\": "
                "\"a \\\"b\\\" \\\\c,d\"},\n"
                "    {\"allocation_count\": 3, \"allocated_bytes\": 1, \"function\": "
                "\"caf\xc3\xa9\"},\n"
                "    {\"allocation_count\": 4, \"allocated_bytes\": 1, \"function\": \"\"}\n"
                "  ],\n"
                "  \"notes\": []\n"
                "}\n");
    assert_csv(print_hostile_names, "allocation_count,allocated_bytes,function\n"
                                    "1,1,\"\x1b[31mred\n\xff\"\n"
                                    "2,1,\"a \"\"b\"\" \\c,d\"\n"
                                    "3,1,caf\xc3\xa9\n"
                                    "4,1,\"\"\n");
}

static void print_long_names(struct out *out)
{
    out_begin_table(out, "sites", "Sites");
    print_site(out, 1, 1, "std::map<std::string, std::vector<int>>::insert(int)");
    print_site(out, 2, 1, "short");
    out_end_table(out);
}

static void out_table_shortens_names_to_the_width(void **state)
{
    (void)state;
    assert_int_equal(setenv("COLUMNS", "50", 1), 0);

    assert_table(print_long_names, "Sites\n"
                                   "  allocations  bytes  function\n"
                                   "            1    1 B  std::map<\xe2\x80\xa6>::insert(int)\n"
                                   "            2    1 B  short\n");
    assert_rendered(print_long_names,
                    &(struct out_settings){.color = TERM_COLOR_NEVER, .has_full_names = true},
                    "Sites\n"
                    "  allocations  bytes  function\n"
                    "            1    1 B  std::map<std::string, std::vector<int>>::insert(int)\n"
                    "            2    1 B  short\n");
    assert_int_equal(unsetenv("COLUMNS"), 0);
}

static void out_table_in_color_says_the_same_words(void **state)
{
    (void)state;
    const struct out_settings colored = {.color = TERM_COLOR_ALWAYS};

    char *text = render(print_lists, &colored);
    char *plain = render(print_lists, &(struct out_settings){.color = TERM_COLOR_NEVER});

    assert_non_null(strstr(text, "\x1b[1mSites\x1b[0m\n"));
    assert_non_null(strstr(text, "\x1b[2ma.c:3\x1b[0m"));
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        if (*from == '\x1b') {
            from = strchr(from, 'm') + 1;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    assert_string_equal(text, plain);
    free(text);
    free(plain);
}

static void print_many_rows(struct out *out)
{
    out_begin_table(out, "rows", "Rows");
    for (int64_t i = 1; i <= 100000; i++) {
        out_begin_row(out);
        out_number(out, "i", "i", i);
        out_end_row(out);
    }
    out_end_table(out);
}

static void out_table_of_many_rows_is_whole_and_has_one_heading(void **state)
{
    (void)state;
    char *text = render(print_many_rows, &(struct out_settings){.color = TERM_COLOR_NEVER});
    char *at = strchr(strchr(text, '\n') + 1, '\n');

    for (long i = 1; i <= 100000; i++) {
        assert_int_equal(strtol(at, &at, 10), i);
    }
    assert_string_equal(at, "\n");
    free(text);
}

static void out_finish_on_a_full_disk_says_so(void **state)
{
    (void)state;
    struct err err = {""};
    struct out *out = NULL;
    FILE *stream = fopen("/dev/full", "w");
    assert_non_null(stream);
    assert_int_equal(out_create("test", &(struct out_settings){0}, stream, &out, &err), 0);
    print_many_rows(out);

    assert_true(out_has_failed(out));
    assert_int_equal(out_finish(out, &err), -ENOSPC);

    assert_string_equal(err.text, "cannot write the output: No space left on device");
    out_destroy(out);
    (void)fclose(stream);
}

static void out_finish_of_little_text_on_a_full_disk_says_so(void **state)
{
    (void)state;
    struct err err = {""};
    struct out *out = NULL;
    FILE *stream = fopen("/dev/full", "w");
    assert_non_null(stream);
    assert_int_equal(out_create("test", &(struct out_settings){0}, stream, &out, &err), 0);
    print_section(out);

    assert_int_equal(out_finish(out, &err), -ENOSPC);

    out_destroy(out);
    (void)fclose(stream);
}

static void out_destroy_in_the_middle_frees_all(void **state)
{
    (void)state;
    struct out *out = NULL;
    FILE *stream = fopen("/dev/null", "w");
    assert_non_null(stream);
    assert_int_equal(out_create("test", &(struct out_settings){0}, stream, &out, NULL), 0);
    out_begin_table(out, "sites", "Sites");
    out_begin_row(out);
    out_begin_list(out, "stack");
    print_frame(out, "f", "g");

    out_destroy(out);

    out_destroy(NULL);
    assert_int_equal(fclose(stream), 0);
}

static void out_format_rounds_up_into_the_next_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *bytes;
        const char *ns;
    } cases[] = {
        {0, "0 B", "0 ns"},
        {1, "1 B", "1 ns"},
        {999, "999 B", "999 ns"},
        {1000, "1000 B", "1.0 us"},
        {1023, "1023 B", "1.0 us"},
        {1024, "1.0 KiB", "1.0 us"},
        {1536, "1.5 KiB", "1.5 us"},
        {999949, "976.5 KiB", "999.9 us"},
        {999950, "976.5 KiB", "1.0 ms"},
        {1048524, "1023.9 KiB", "1.0 ms"},
        {1048525, "1.0 MiB", "1.0 ms"},
        {INT64_C(59499999999), "55.4 GiB", "59.5 s"},
        {INT64_C(59949999999), "55.8 GiB", "59.9 s"},
        {INT64_C(59950000000), "55.8 GiB", "1 min 00 s"},
        {INT64_C(125000000000), "116.4 GiB", "2 min 05 s"},
        {INT64_C(7380000000000), "6.7 TiB", "2 h 03 min"},
        {-1536, "-1.5 KiB", "-1.5 us"},
        {INT64_MAX, "8.0 EiB", "2562047 h 47 min"},
        {INT64_MIN, "-8.0 EiB", "-2562047 h 47 min"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        assert_string_equal(out_format_bytes(cases[i].value, text), cases[i].bytes);
        assert_string_equal(out_format_ns(cases[i].value, text), cases[i].ns);
    }
}

static void out_format_count_groups_by_thousands(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(out_format_count(0, text), "0");
    assert_string_equal(out_format_count(999, text), "999");
    assert_string_equal(out_format_count(1000, text), "1,000");
    assert_string_equal(out_format_count(-123456, text), "-123,456");
    assert_string_equal(out_format_count(INT64_MIN, text), "-9,223,372,036,854,775,808");
}

static int set_up(void **state)
{
    (void)state;
    (void)setenv("TZ", "UTC", 1);
    (void)unsetenv("COLUMNS");
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL ? 0 : -1;
}

static void print_labelled(struct out *out)
{
    char title[] = "Facts <1>";
    out_begin_section(out, "facts", title);
    out_text(out, "name", "its \"name\"", "abcdefghij");
    out_count(out, "hidden_count", NULL, 1);
    out_begin_list(out, "parts");
    out_begin_row(out);
    out_bytes(out, "size_bytes", "size", 2);
    out_end_row(out);
    out_end_list(out);
    out_end_section(out);
    title[0] = 'x'; /* titles need not last */
    out_begin_table(out, "rows", NULL);
    out_column(out, "later", "later");
    for (int i = 0; i < 2; i++) {
        out_begin_row(out);
        out_number(out, "first", "first", i);
        out_begin_list(out, "stack");
        out_begin_row(out);
        out_text(out, "function", "function", "f");
        out_end_row(out);
        out_end_list(out);
        out_end_row(out);
    }
    out_end_table(out);
}

static void out_labels_tell_titles_and_shown_columns(void **state)
{
    (void)state;
    static const char expected[] =
        "{\n  \"schema\": 1,\n  \"command\": \"test\",\n"
        "  \"facts\": {\n    \"name\": \"abc\xe2\x80\xa6hij\",\n    \"hidden_count\": 1,\n"
        "    \"parts\": [{\"size_bytes\": 2}]\n  },\n"
        "  \"rows\": [\n    {\"first\": 0, \"stack\": [{\"function\": \"f\"}]},\n"
        "    {\"first\": 1, \"stack\": [{\"function\": \"f\"}]}\n  ],\n"
        "  \"notes\": [],\n"
        "  \"labels\": {\n"
        "    \"facts.parts\": {\"title\": \"\", \"columns\": [[\"size_bytes\", \"size\"]]},\n"
        "    \"facts\": {\"title\": \"Facts <1>\", \"columns\": [[\"name\", \"its "
        "\\\"name\\\"\"]]},\n"
        "    \"rows\": {\"title\": \"\", \"columns\": [[\"later\", \"later\"], [\"first\", "
        "\"first\"]]}\n"
        "  }\n}\n";

    assert_rendered(
        print_labelled,
        &(struct out_settings){.format = OUT_JSON, .has_labels = true, .text_limit_bytes = 6},
        expected);
    assert_rendered(print_nothing, &(struct out_settings){.format = OUT_JSON, .has_labels = true},
                    "{\n  \"schema\": 1,\n  \"command\": \"test\",\n  \"notes\": [],\n"
                    "  \"labels\": {}\n}\n");
}

static void print_changes(struct out *out)
{
    out_begin_table(out, "totals", NULL);
    out_begin_row(out);
    out_figure(out, "old", "old", OUT_UNIT_BYTES, 2048);
    out_change(out, "change", "change", OUT_UNIT_BYTES, 1024);
    out_percent_change(out, "change_pct", "%", 1024, 2048);
    out_end_row(out);
    out_begin_row(out);
    out_figure(out, "old", "old", OUT_UNIT_COUNT, 5000);
    out_change(out, "change", "change", OUT_UNIT_COUNT, -1);
    out_percent_change(out, "change_pct", "%", -1, 5000);
    out_end_row(out);
    out_begin_row(out);
    out_figure(out, "old", "old", OUT_UNIT_NS, 0);
    out_change(out, "change", "change", OUT_UNIT_NS, 1500);
    out_percent_change(out, "change_pct", "%", 1500, 0);
    out_end_row(out);
    out_end_table(out);
}

static void out_change_has_a_sign_in_tables_only(void **state)
{
    (void)state;

    assert_table(print_changes, "    old    change        %\n"
                                "2.0 KiB  +1.0 KiB  +50.0 %\n"
                                "  5,000        -1    0.0 %\n"
                                "   0 ns   +1.5 us        -\n");
    assert_csv(print_changes, "old,change,change_pct\n2048,1024,50\n5000,-1,-0.02\n0,1500,\n");
}

static void print_object(struct out *out)
{
    const uint64_t numbers[] = {0, 255, UINT64_MAX};
    out_begin_section(out, "map", "Map");
    out_begin_object(out, "inner");
    out_number(out, "rows", NULL, 2);
    out_numbers(out, "cells", numbers, 3);
    out_numbers(out, "none", NULL, 0);
    out_end_object(out);
    out_number(out, "after", NULL, 1);
    out_end_section(out);
}

static void out_object_and_numbers_nest_in_json(void **state)
{
    (void)state;
    assert_json(
        print_object,
        "{\n  \"schema\": 1,\n  \"command\": \"test\",\n  \"map\": {\n"
        "    \"inner\": {\"rows\": 2, \"cells\": [0,255,18446744073709551615], \"none\": []},\n"
        "    \"after\": 1\n  },\n  \"notes\": []\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_object_and_numbers_nest_in_json),
        cmocka_unit_test(out_of_nothing_is_an_empty_document),
        cmocka_unit_test(out_section_shows_every_kind_of_value),
        cmocka_unit_test(out_table_aligns_numbers_right_and_text_left),
        cmocka_unit_test(out_list_stands_beneath_its_row),
        cmocka_unit_test(out_row_cells_find_their_columns),
        cmocka_unit_test(out_notes_are_told_in_both_formats),
        cmocka_unit_test(out_names_cannot_steer_the_terminal_or_break_json),
        cmocka_unit_test(out_table_shortens_names_to_the_width),
        cmocka_unit_test(out_table_in_color_says_the_same_words),
        cmocka_unit_test(out_table_of_many_rows_is_whole_and_has_one_heading),
        cmocka_unit_test(out_finish_on_a_full_disk_says_so),
        cmocka_unit_test(out_finish_of_little_text_on_a_full_disk_says_so),
        cmocka_unit_test(out_destroy_in_the_middle_frees_all),
        cmocka_unit_test(out_format_rounds_up_into_the_next_unit),
        cmocka_unit_test(out_format_count_groups_by_thousands),
        cmocka_unit_test(out_labels_tell_titles_and_shown_columns),
        cmocka_unit_test(out_change_has_a_sign_in_tables_only),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
