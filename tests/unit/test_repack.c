#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/analyses/repack.h"

static const uint32_t sites[] = {7, 9};

static void make(struct repack *repack, uint64_t address, uint64_t size_bytes, uint32_t stack_id)
{
    struct operation operation = {.kind = OPERATION_ALLOC};
    operation.made.address = address;
    operation.made.size_bytes = size_bytes;
    operation.made.stack_id = stack_id;
    assert_int_equal(repack_observe(repack, &operation), 0);
}

static void end_block(struct repack *repack, uint64_t address)
{
    struct operation operation = {.kind = OPERATION_FREE};
    operation.ended.address = address;
    assert_int_equal(repack_observe(repack, &operation), 0);
}

static void repack_blocks_of_a_page_take_one(void **state)
{
    (void)state;
    struct repack *repack = repack_create(sites, 2);

    for (uint64_t i = 0; i < 64; i++) {
        make(repack, i * 4096, 56, 7); /* far apart as they were */
    }
    uint64_t full_bytes = repack_held_bytes(repack, 0);
    make(repack, 64 * 4096, 56, 7);

    assert_int_equal(full_bytes, 4096);
    assert_int_equal(repack_held_bytes(repack, 0), 2 * 4096);
    assert_int_equal(repack_held_bytes(repack, 1), 0);
    repack_destroy(repack);
}

static void repack_other_sites_are_left_out(void **state)
{
    (void)state;
    struct repack *repack = repack_create(sites, 2);

    make(repack, 4096, 56, 8);
    make(repack, 8192, 5000, 9);

    assert_int_equal(repack_held_bytes(repack, 0), 0);
    assert_int_equal(repack_held_bytes(repack, 1), 2 * 4096);
    end_block(repack, 8192);
    assert_int_equal(repack_held_bytes(repack, 1), 0);
    repack_destroy(repack);
}

/* Every eighth of 512 blocks is left: as many pages as before, until new ones fill the lowest. */
static void repack_holes_of_its_own_stay_and_are_filled_from_below(void **state)
{
    (void)state;
    struct repack *repack = repack_create(sites, 2);
    for (uint64_t i = 1; i <= 512; i++) {
        make(repack, i * 64, 64, 7);
    }
    for (uint64_t i = 1; i <= 512; i++) {
        if (i % 8 != 0) {
            end_block(repack, i * 64);
        }
    }

    uint64_t holed_bytes = repack_held_bytes(repack, 0);
    for (uint64_t i = 0; i < 448; i++) {
        make(repack, 1000000 + i * 64, 64, 7);
    }

    assert_int_equal(holed_bytes, 8 * 4096);
    assert_int_equal(repack_held_bytes(repack, 0), 8 * 4096);
    repack_destroy(repack);
}

static void repack_block_whose_end_was_not_seen_is_replaced(void **state)
{
    (void)state;
    struct repack *repack = repack_create(sites, 2);

    make(repack, 4096, 10000, 7);
    make(repack, 4096, 16, 9);

    assert_int_equal(repack_held_bytes(repack, 0), 0);
    assert_int_equal(repack_held_bytes(repack, 1), 4096);
    repack_destroy(repack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repack_blocks_of_a_page_take_one),
        cmocka_unit_test(repack_other_sites_are_left_out),
        cmocka_unit_test(repack_holes_of_its_own_stay_and_are_filled_from_below),
        cmocka_unit_test(repack_block_whose_end_was_not_seen_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
