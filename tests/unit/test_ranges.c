#include "../../analyzer/collect/recording/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void add(struct ranges *ranges, uint64_t address, uint64_t size_bytes, uint64_t slack_bytes)
{
    const struct block block = {
        .address = address, .size_bytes = size_bytes, .slack_bytes = slack_bytes};
    assert_int_equal(ranges_insert(ranges, &block), 0);
}

static void check_order(const struct ranges *ranges)
{
    for (size_t i = 1; i < ranges->count; i++) {
        assert_true(ranges_end(&ranges->items[i - 1]) <= ranges->items[i].address);
    }
}

static void ranges_overlapping_none_gives_null(void **state)
{
    (void)state;
    struct ranges ranges = {0};

    assert_null(ranges_overlapping(&ranges, 0, UINT64_MAX));

    add(&ranges, 0x2000, 0x1000, 0);
    add(&ranges, 0x6000, 0x1000, 0);
    assert_null(ranges_overlapping(&ranges, 0x1000, 0x1000)); /* ends where one begins */
    assert_null(ranges_overlapping(&ranges, 0x3000, 0x3000)); /* fills the gap exactly */
    assert_null(ranges_overlapping(&ranges, 0x7000, 0x1000));
    ranges_fini(&ranges);
}

static void ranges_overlapping_by_one_byte_is_found(void **state)
{
    (void)state;
    struct ranges ranges = {0};
    add(&ranges, 0x2000, 0xff1, 0xf); /* slack belongs to it */

    assert_ptr_equal(ranges_overlapping(&ranges, 0x1000, 0x1001), ranges.items);
    assert_ptr_equal(ranges_overlapping(&ranges, 0x2fff, 1), ranges.items);
    assert_null(ranges_overlapping(&ranges, 0x3000, 1));
    assert_ptr_equal(ranges_overlapping(&ranges, 0, 0x10000), ranges.items);
    ranges_fini(&ranges);
}

static void ranges_overlapping_several_gives_the_first(void **state)
{
    (void)state;
    struct ranges ranges = {0};
    add(&ranges, 0x5000, 0x1000, 0);
    add(&ranges, 0x1000, 0x1000, 0);
    add(&ranges, 0x3000, 0x1000, 0);
    check_order(&ranges);

    assert_int_equal(ranges_overlapping(&ranges, 0x1800, 0x8000)->address, 0x1000);
    assert_int_equal(ranges_overlapping(&ranges, 0x2000, 0x8000)->address, 0x3000);
    ranges_remove(&ranges, ranges_overlapping(&ranges, 0x3000, 1));
    assert_int_equal(ranges_overlapping(&ranges, 0x2000, 0x8000)->address, 0x5000);
    assert_int_equal(ranges.count, 2);
    ranges_fini(&ranges);
}

/* A page map as the model: random mappings come and whole ones go. */
static void ranges_random_changes_equal_a_page_map(void **state)
{
    (void)state;
    enum {
        PAGES = 512
    };
    struct ranges ranges = {0};
    unsigned char owner[PAGES] = {0}; /* 0: unmapped, else the length of the mapping */
    uint64_t random = 5;
    for (int step = 0; step < 20000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        uint64_t page = (random >> 33) % PAGES;
        uint64_t length = 1 + (random >> 50) % 8;
        struct block *found = ranges_overlapping(&ranges, page * 4096, length * 4096);
        uint64_t first = page;
        while (first < page + length && first < PAGES && owner[first] == 0) {
            first++;
        }
        if (first == page + length || first == PAGES) {
            assert_null(found);
            if (page + length <= PAGES) {
                add(&ranges, page * 4096, length * 4096 - 7, 7);
                memset(owner + page, (int)length, length);
            }
        } else {
            assert_non_null(found);
            assert_true(found->address <= first * 4096 && first * 4096 < ranges_end(found));
            memset(owner + found->address / 4096, 0, (found->size_bytes + 7) / 4096);
            ranges_remove(&ranges, found);
        }
        check_order(&ranges);
    }
    ranges_fini(&ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_overlapping_none_gives_null),
        cmocka_unit_test(ranges_overlapping_by_one_byte_is_found),
        cmocka_unit_test(ranges_overlapping_several_gives_the_first),
        cmocka_unit_test(ranges_random_changes_equal_a_page_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
