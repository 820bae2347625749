#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/cli/plot.h"

static const struct plot_settings ascii = {.width_columns = 40, .height_lines = 2};
static const struct plot_settings utf8 = {
    .width_columns = 40, .height_lines = 2, .is_utf8 = true, .has_bytes = true};

static void plot_timeline_of_nothing_is_empty(void **state)
{
    (void)state;
    const int64_t unknown[] = {-1, -1};
    struct str text = {0};

    assert_int_equal(plot_timeline(&utf8, NULL, 0, 0, 1000, &text), 0);
    assert_int_equal(plot_timeline(&utf8, unknown, 2, 0, 1000, &text), 0);

    assert_string_equal(str_text(&text), "");
    str_fini(&text);
}

static void plot_timeline_in_ascii_shows_each_slice(void **state)
{
    (void)state;
    /* four slices of seven columns; the body is 28 wide */
    const int64_t values[] = {1000, 0, 500, -1};
    struct str text = {0};

    assert_int_equal(plot_timeline(&ascii, values, 4, 0, 2500000, &text), 0);

    assert_string_equal(text.text, "     1,000 |#######\n"
                                   "           |#######       #######\n"
                                   "         0 +----------------------------\n"
                                   "            0 ns                  2.5 ms\n");
    str_fini(&text);
}

static void plot_timeline_in_utf8_shows_eighths(void **state)
{
    (void)state;
    const int64_t values[] = {16 << 20, 9 << 20, 1 << 20, 1};
    struct str text = {0};

    assert_int_equal(plot_timeline(&utf8, values, 4, 0, 1000, &text), 0);

    assert_string_equal(text.text, "  16.0 MiB │███████▁▁▁▁▁▁▁\n"
                                   "           │██████████████▁▁▁▁▁▁▁▁▁▁▁▁▁▁\n"
                                   "         0 └────────────────────────────\n"
                                   "            0 ns                  1.0 us\n");
    str_fini(&text);
}

static void plot_timeline_of_many_values_keeps_the_peak(void **state)
{
    (void)state;
    int64_t values[2000] = {0};
    values[1234] = 8;
    struct str text = {0};

    assert_int_equal(plot_timeline(&ascii, values, 2000, 0, 1000, &text), 0);

    /* column 17 of 28 holds slices 1214 to 1284 */
    assert_non_null(strstr(text.text, "8 |                 #\n"));
    str_fini(&text);
}

static void plot_timeline_of_zeros_is_a_flat_line(void **state)
{
    (void)state;
    const int64_t values[] = {0, 0};
    struct str text = {0};

    assert_int_equal(plot_timeline(&ascii, values, 2, 0, 1000, &text), 0);

    assert_null(strchr(text.text, '#'));
    assert_non_null(strstr(text.text, "         0 |\n           |\n"));
    str_fini(&text);
}

static void plot_bar_grows_with_the_share(void **state)
{
    (void)state;
    static const struct {
        double part;
        double whole;
        const char *bar;
    } cases[] = {
        {0, 10, "    "},  {10, 10, "████"}, {5, 10, "██  "},  {1, 1000, "▏   "},
        {20, 10, "████"}, {5, 0, "    "},   {15, 32, "█▉  "},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str text = {0};
        assert_int_equal(plot_bar(4, true, cases[i].part, cases[i].whole, &text), 0);
        assert_string_equal(text.text, cases[i].bar);
        str_fini(&text);
    }
    struct str text = {0};
    assert_int_equal(plot_bar(4, false, 3, 4, &text), 0);
    assert_string_equal(text.text, "### ");
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plot_timeline_of_nothing_is_empty),
        cmocka_unit_test(plot_timeline_in_ascii_shows_each_slice),
        cmocka_unit_test(plot_timeline_in_utf8_shows_eighths),
        cmocka_unit_test(plot_timeline_of_many_values_keeps_the_peak),
        cmocka_unit_test(plot_timeline_of_zeros_is_a_flat_line),
        cmocka_unit_test(plot_bar_grows_with_the_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
