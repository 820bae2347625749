#include "../../analyzer/collect/recording/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void add(struct live *live, uint64_t address, uint64_t size_bytes)
{
    const struct block block = {
        .address = address, .size_bytes = size_bytes, .chain_length = 3, .kind = 2};
    assert_int_equal(live_insert(live, &block), 0);
}

static void drop(struct live *live, uint64_t address)
{
    struct block *block = live_find(live, address);
    assert_non_null(block);
    live_remove(live, block);
}

static void live_find_in_an_empty_set_gives_null(void **state)
{
    (void)state;
    struct live live = {0};
    size_t cursor = 0;

    assert_null(live_find(&live, 4096));
    assert_null(live_next(&live, &cursor));

    live_fini(&live);
}

static void live_insert_keeps_the_whole_block(void **state)
{
    (void)state;
    struct live live = {0};
    const struct block block = {
        .address = 0x7f0000001230,
        .born_ns = 1,
        .size_bytes = UINT64_MAX,
        .slack_bytes = 3,
        .realloc_of_id = 4,
        .site = 5,
        .thread = 6,
        .sequence = 7,
        .alignment = 8,
        .chain_length = 9,
        .kind = 10,
    };

    assert_int_equal(live_insert(&live, &block), 0);

    struct block *found = live_find(&live, block.address);
    assert_non_null(found);
    struct block expected = block;
    expected.next = found->next;
    assert_memory_equal(found, &expected, sizeof(expected));
    assert_null(live_find(&live, block.address + 16));
    live_fini(&live);
}

/* The set holds exactly what the model says, found one by one and by stepping over all. */
static void check_model(const struct live *live, const uint64_t *sizes, size_t address_count,
                        uint64_t base, uint64_t stride)
{
    size_t count = 0;
    for (size_t i = 0; i < address_count; i++) {
        const struct block *block = live_find(live, base + i * stride);
        assert_int_equal(block != NULL, sizes[i] != 0);
        if (block != NULL) {
            assert_int_equal(block->size_bytes, sizes[i]);
            count++;
        }
    }
    assert_int_equal(live->block_count, count);
    size_t cursor = 0;
    size_t met_count = 0;
    for (const struct block *b; (b = live_next(live, &cursor)) != NULL;) {
        assert_int_equal(sizes[(b->address - base) / stride], b->size_bytes);
        met_count++;
    }
    assert_int_equal(met_count, count);
}

static void churn(uint64_t base, uint64_t stride, uint64_t seed)
{
    enum {
        ADDRESSES = 6000,
        STEPS = 60000
    };
    struct live live = {0};
    uint64_t *sizes = calloc(ADDRESSES, sizeof(*sizes));
    uint64_t random = seed;
    for (int step = 0; step < STEPS; step++) {
        /* grows to most, shrinks to few, grows again */
        unsigned wanted = step / 15000 % 2 == 0 ? 80 : 10;
        size_t i = next_random(&random) % ADDRESSES;
        bool is_wanted = next_random(&random) % 100 < wanted;
        if (is_wanted && sizes[i] == 0) {
            sizes[i] = next_random(&random) | 1;
            add(&live, base + i * stride, sizes[i]);
        } else if (!is_wanted && sizes[i] != 0) {
            drop(&live, base + i * stride);
            sizes[i] = 0;
        }
        if (step % 5000 == 0) {
            check_model(&live, sizes, ADDRESSES, base, stride);
        }
    }
    check_model(&live, sizes, ADDRESSES, base, stride);
    live_fini(&live);
    free(sizes);
}

static void live_random_inserts_and_removes_equal_an_array(void **state)
{
    (void)state;
    churn(0x555555559010, 16, 1);
    churn(0x7f1200000010, 4096, 2);
    churn(16, 0x110, 3);
    churn(0x7fff00000000, UINT64_C(1) << 21, 4);
}

/* Addresses that all belong near the end of the index: what runs over goes on at its start. */
static void live_remove_across_the_wrap_around_keeps_the_others(void **state)
{
    (void)state;
    enum {
        COUNT = 24
    };
    uint64_t addresses[COUNT];
    uint64_t random = 9;
    struct live live = {0};
    bool is_live[COUNT] = {false};
    bool has_wrapped = false;
    add(&live, 16, 1);
    drop(&live, 16);
    size_t found = 0;
    for (uint64_t address = 16; found < COUNT; address += 16) {
        if ((live_hash(address) & (live.index_count - 1)) >= live.index_count - 6) {
            addresses[found++] = address;
        }
    }
    for (int step = 0; step < 4000; step++) {
        size_t i = next_random(&random) % COUNT;
        if (is_live[i]) {
            drop(&live, addresses[i]);
        } else {
            add(&live, addresses[i], i + 1);
        }
        is_live[i] = !is_live[i];
        has_wrapped |= live.index[0] != 0;
        for (size_t j = 0; j < COUNT; j++) {
            const struct block *block = live_find(&live, addresses[j]);
            assert_int_equal(block != NULL, is_live[j]);
            assert_true(block == NULL || block->size_bytes == j + 1);
        }
    }
    assert_true(has_wrapped);
    assert_true(live.used_count <= COUNT);
    live_fini(&live);
}

static void live_reserve_gives_the_slot_freed_last(void **state)
{
    (void)state;
    struct live live = {0};
    for (uint64_t i = 1; i <= 10; i++) {
        add(&live, i * 16, i);
    }
    const struct block *third = live_find(&live, 3 * 16);
    const struct block *seventh = live_find(&live, 7 * 16);

    drop(&live, 3 * 16);
    drop(&live, 7 * 16);

    assert_ptr_equal(live_reserve(&live), seventh);
    assert_ptr_equal(live_reserve(&live), seventh); /* not taken yet */
    live_link(&live, live_entry(&live, 11 * 16), live_reserve(&live), 11 * 16);
    assert_ptr_equal(live_reserve(&live), third);
    live_link(&live, live_entry(&live, 12 * 16), live_reserve(&live), 12 * 16);
    assert_ptr_equal(live_reserve(&live), &live.slots[10]);
    live_fini(&live);
}

static void live_insert_growth_keeps_all_and_leaves_room(void **state)
{
    (void)state;
    struct live live = {0};
    for (uint64_t i = 1; i <= 100000; i++) {
        add(&live, i * 32, i);
        assert_true(live.block_count <= live.slot_count);
        assert_true(live.slot_count < live.index_count);
    }

    assert_int_equal(live.index_count & (live.index_count - 1), 0);
    for (uint64_t i = 1; i <= 100000; i++) {
        const struct block *block = live_find(&live, i * 32);
        assert_non_null(block);
        assert_int_equal(block->size_bytes, i);
    }
    assert_null(live_find(&live, 100001 * 32));
    live_fini(&live);
    assert_int_equal(live.block_count, 0);
}

/* The longest way from an entry's home to its place, for addresses as allocators give them. */
static size_t longest_probe(uint64_t stride)
{
    struct live live = {0};
    size_t longest = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        add(&live, 0x7f3a40000010 + i * stride, 1);
    }
    for (size_t at = 0; at < live.index_count; at++) {
        if (live.index[at] != 0) {
            size_t steps = (at - (live.index[at] >> 32)) & (live.index_count - 1);
            longest = steps > longest ? steps : longest;
        }
    }
    live_fini(&live);
    return longest;
}

static void live_hash_spreads_regular_addresses(void **state)
{
    (void)state;
    static const uint64_t strides[] = {16, 32, 48, 64, 80, 96, 112, 144, 272, 1040, 4096, 65536};
    for (size_t i = 0; i < sizeof(strides) / sizeof(strides[0]); i++) {
        assert_in_range(longest_probe(strides[i]), 0, 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_find_in_an_empty_set_gives_null),
        cmocka_unit_test(live_insert_keeps_the_whole_block),
        cmocka_unit_test(live_random_inserts_and_removes_equal_an_array),
        cmocka_unit_test(live_remove_across_the_wrap_around_keeps_the_others),
        cmocka_unit_test(live_reserve_gives_the_slot_freed_last),
        cmocka_unit_test(live_insert_growth_keeps_all_and_leaves_room),
        cmocka_unit_test(live_hash_spreads_regular_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
