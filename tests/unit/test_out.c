#include "../../analyzer/cli/out.h"

#include <errno.h>
#include <math.h>

#include "out_document.h"

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
                                "  per second   1,234.6\n"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_of_nothing_is_an_empty_document),
        cmocka_unit_test(out_section_shows_every_kind_of_value),
        cmocka_unit_test(out_table_aligns_numbers_right_and_text_left),
        cmocka_unit_test(out_list_stands_beneath_its_row),
        cmocka_unit_test(out_row_cells_find_their_columns),
        cmocka_unit_test(out_notes_are_told_in_both_formats),
        cmocka_unit_test(out_table_of_many_rows_is_whole_and_has_one_heading),
        cmocka_unit_test(out_finish_on_a_full_disk_says_so),
        cmocka_unit_test(out_finish_of_little_text_on_a_full_disk_says_so),
        cmocka_unit_test(out_destroy_in_the_middle_frees_all),
    };
    return cmocka_run_group_tests(tests, out_set_up, NULL);
}
