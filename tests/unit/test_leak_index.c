#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/collect/leaks/leak_index.h"

enum {
    BLOCKS = 3000,
    ASKED = 20000,
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint32_t find_plainly(const struct leak_block *blocks, size_t count, uint64_t address)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = blocks[i].size_bytes == 0 ? 1 : blocks[i].size_bytes;
        if (address - blocks[i].address < bytes) {
            return (uint32_t)i;
        }
    }
    return LEAK_NO_BLOCK;
}

/* Dense and sparse regions, small blocks and one of gigabytes: every kind of segment. */
static void leak_index_find_agrees_with_a_plain_search(void **state)
{
    (void)state;
    struct leak_block *blocks = calloc(BLOCKS, sizeof(*blocks));
    struct leak_index index;
    uint64_t random = 7;
    uint64_t address = UINT64_C(0x555500000000);
    assert_non_null(blocks);
    for (size_t i = 0; i < BLOCKS; i++) {
        uint64_t size_bytes = i % 500 == 250   ? UINT64_C(5) << 30
                              : i % 7 == 0     ? 0
                              : i < BLOCKS / 2 ? next_random(&random) % 64
                                               : next_random(&random) % 5000;
        blocks[i] = (struct leak_block){.address = address, .size_bytes = size_bytes};
        address += size_bytes + 16 + next_random(&random) % 64;
        address += i % 300 == 299 ? UINT64_C(1) << (20 + i / 300) : 0;
    }

    assert_int_equal(leak_index_init(&index, blocks, BLOCKS), 0);

    assert_true(index.segment_count > 5);
    for (size_t i = 0; i < ASKED; i++) {
        const struct leak_block *near = &blocks[next_random(&random) % BLOCKS];
        uint64_t asked = near->address - 20 + next_random(&random) % (near->size_bytes + 40);
        uint32_t expected = find_plainly(blocks, BLOCKS, asked);
        assert_int_equal(leak_index_find(&index, asked), expected);
        assert_true(expected == LEAK_NO_BLOCK || leak_index_may_hold(&index, asked));
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(leak_index_find(&index, blocks[i].address), i);
        assert_int_equal(leak_index_first(&index, blocks[i].address), i);
    }
    assert_int_equal(leak_index_find(&index, 0), LEAK_NO_BLOCK);
    assert_int_equal(leak_index_find(&index, UINT64_MAX), LEAK_NO_BLOCK);
    assert_int_equal(leak_index_first(&index, UINT64_MAX), BLOCKS);
    leak_index_fini(&index);
    free(blocks);
}

static void leak_index_of_no_block_finds_nothing(void **state)
{
    (void)state;
    struct leak_index index;

    assert_int_equal(leak_index_init(&index, NULL, 0), 0);

    assert_int_equal(leak_index_find(&index, 4096), LEAK_NO_BLOCK);
    assert_false(leak_index_may_hold(&index, 4096));
    leak_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leak_index_find_agrees_with_a_plain_search),
        cmocka_unit_test(leak_index_of_no_block_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
