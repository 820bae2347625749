#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/cli/plot_heat.h"

static void plot_heat_shades_cells_from_the_bottom_up(void **state)
{
    (void)state;
    const uint8_t cells[] = {255, 1, 0, 100, 200, 0};
    const uint64_t labels[] = {0x1000, 0x2000};
    struct plot_heat heat = {
        .cells = cells, .columns = 3, .rows = 2, .row_labels = labels, .lines_per_label = 1};
    struct str text = {0};

    assert_int_equal(plot_heat(&heat, &text), 0);
    assert_string_equal(text.text, "        2000 |.*\n"
                                   "        1000 |#.\n"
                                   "             +---\n"
                                   "              0 ns0 ns\n");
    str_clear(&text);
    heat.is_utf8 = true;
    assert_int_equal(plot_heat(&heat, &text), 0);

    assert_string_equal(text.text, "        2000 │░▓\n"
                                   "        1000 │█░\n"
                                   "             └───\n"
                                   "              0 ns0 ns\n");
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plot_heat_shades_cells_from_the_bottom_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
