/* Two looks at a process that ran on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/collect/leaks/leak_scan.h"

enum {
    BLOCKS = 6,
};

static void leak_scan_agree_keeps_the_better_kind(void **state)
{
    (void)state;
    /* The third is another block at the same address, the last one is new. */
    struct leak_block before[] = {
        {.address = 16, .born_ns = 1}, {.address = 32, .born_ns = 2}, {.address = 48, .born_ns = 3},
        {.address = 64, .born_ns = 4}, {.address = 80, .born_ns = 5}, {.address = 88, .born_ns = 6},
    };
    struct leak_block now[] = {
        {.address = 16, .born_ns = 1}, {.address = 32, .born_ns = 2}, {.address = 48, .born_ns = 9},
        {.address = 64, .born_ns = 4}, {.address = 80, .born_ns = 5}, {.address = 96, .born_ns = 8},
    };
    uint8_t kinds_before[] = {LEAK_DEFINITE, LEAK_REACHABLE, LEAK_REACHABLE,
                              LEAK_INDIRECT, LEAK_UNKNOWN,   LEAK_DEFINITE};
    uint8_t kinds[] = {LEAK_DEFINITE, LEAK_DEFINITE,  LEAK_DEFINITE,
                       LEAK_DEFINITE, LEAK_REACHABLE, LEAK_REACHABLE};
    const uint8_t expected[] = {LEAK_DEFINITE, LEAK_REACHABLE, LEAK_UNKNOWN,
                                LEAK_INDIRECT, LEAK_UNKNOWN,   LEAK_UNKNOWN};
    struct leak_scan earlier = {.blocks = before, .marks.kinds = kinds_before};
    struct leak_scan scan = {.blocks = now, .marks.kinds = kinds};
    earlier.marks.index.block_count = BLOCKS;
    scan.marks.index.block_count = BLOCKS;

    leak_scan_agree(&scan, &earlier);

    assert_memory_equal(kinds, expected, sizeof(expected));
}

static void leak_scan_agree_with_nothing_knows_no_kind(void **state)
{
    (void)state;
    struct leak_block block = {.address = 16, .born_ns = 1};
    uint8_t kind = LEAK_DEFINITE;
    const struct leak_scan earlier = {.blocks = NULL};
    struct leak_scan scan = {.blocks = &block, .marks.kinds = &kind};
    scan.marks.index.block_count = 1;

    leak_scan_agree(&scan, &earlier);

    assert_int_equal(kind, LEAK_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leak_scan_agree_keeps_the_better_kind),
        cmocka_unit_test(leak_scan_agree_with_nothing_knows_no_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
