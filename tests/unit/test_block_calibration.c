#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/replay/block_calibration.h"

static void block_calibration_read_fills_sizes_up_to_each_class(void **state)
{
    (void)state;
    struct block_costs costs;

    int result = block_calibration_read(
        "block 16 16 16.5\nblock 48 56 60.25\nblock 8192 8192 8200\n", &costs);

    assert_int_equal(result, 0);
    assert_true(costs.is_measured);
    assert_true(fabsf(costs.growth_bytes[block_cost_place(0)] - 16.5F) < 0.001F);
    assert_true(fabsf(costs.growth_bytes[block_cost_place(16)] - 16.5F) < 0.001F);
    assert_true(fabsf(costs.growth_bytes[block_cost_place(17)] - 60.25F) < 0.001F);
    assert_true(fabsf(costs.usable_bytes[block_cost_place(48)] - 56) < 0.001F);
    assert_true(fabsf(costs.growth_bytes[block_cost_place(49)] - 8200) < 0.001F);
    assert_true(fabsf(costs.growth_bytes[block_cost_place(8192)] - 8200) < 0.001F);
}

static void block_calibration_read_refuses_what_is_not_whole(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "block 16 16 16.5\n",                               /* not up to the last size */
        "block 8192 8192 8200",                             /* cut */
        "block 32 32 32\nblock 16 16 16\nblock 8192 1 1\n", /* backward */
        "block 16384 1 1\n",
        "out of memory\n",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct block_costs costs;
        assert_int_equal(block_calibration_read(answers[i], &costs), -EBADMSG);
        assert_false(costs.is_measured);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_calibration_read_fills_sizes_up_to_each_class),
        cmocka_unit_test(block_calibration_read_refuses_what_is_not_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
