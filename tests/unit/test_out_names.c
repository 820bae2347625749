#include "../../analyzer/cli/out.h"

#include "out_document.h"

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

static void print_verdict(struct out *out)
{
    out_begin_section(out, "pools", "Pools");
    out_count(out, "site_count", "sites", 3);
    out_text(out, "verdict", "verdict",
             "not worth it: no site would save 1 % of CPU, or 22 % more");
    out_end_section(out);
}

static void out_section_wraps_a_long_value(void **state)
{
    (void)state;
    assert_int_equal(setenv("COLUMNS", "35", 1), 0);

    assert_table(print_verdict, "Pools\n"
                                "  sites    3\n"
                                "  verdict  not worth it: no site\n"
                                "           would save 1 % of CPU,\n"
                                "           or 22 % more\n");
    assert_int_equal(unsetenv("COLUMNS"), 0);
}

static void print_note(struct out *out)
{
    out_note(out,
             "one call in 16 is timed of the first 30,000, then one in 64: times are estimates");
    out_prose(out, "  Cures: GLIBC_TUNABLES in the environment, or malloc_trim(0) once");
}

static void out_note_wraps_at_blanks(void **state)
{
    (void)state;
    assert_int_equal(setenv("COLUMNS", "50", 1), 0);

    assert_table(print_note, "  Cures: GLIBC_TUNABLES in the environment, or\n"
                             "  malloc_trim(0) once\n"
                             "\n"
                             "note: one call in 16 is timed of the first 30,000,\n"
                             "      then one in 64: times are estimates\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(out_names_cannot_steer_the_terminal_or_break_json),
        cmocka_unit_test(out_table_shortens_names_to_the_width),
        cmocka_unit_test(out_section_wraps_a_long_value),
        cmocka_unit_test(out_note_wraps_at_blanks),
        cmocka_unit_test(out_table_in_color_says_the_same_words),
    };
    return cmocka_run_group_tests(tests, out_set_up, NULL);
}
