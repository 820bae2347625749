#include "../../analyzer/cli/out.h"

#include <inttypes.h>
#include <math.h>

#include "out_document.h"

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
        cmocka_unit_test(out_format_rounds_up_into_the_next_unit),
        cmocka_unit_test(out_format_count_groups_by_thousands),
        cmocka_unit_test(out_labels_tell_titles_and_shown_columns),
        cmocka_unit_test(out_change_has_a_sign_in_tables_only),
        cmocka_unit_test(out_object_and_numbers_nest_in_json),
    };
    return cmocka_run_group_tests(tests, out_set_up, NULL);
}
