#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/analyses/page_map.h"

#define BASE UINT64_C(0x7f0000000000)

static void add(struct page_map *map, uint64_t offset, uint64_t size_bytes, uint32_t site)
{
    assert_int_equal(page_map_add(map, BASE + offset, size_bytes, site), 0);
}

static void remove_block(struct page_map *map, uint64_t offset, uint64_t size_bytes, uint32_t site)
{
    page_map_remove(map, BASE + offset, size_bytes, site);
}

static struct site_holding holding_of(struct page_map *map, uint32_t site)
{
    size_t count = 0;
    const struct site_holding *holdings = page_map_holdings(map, &count);
    assert_true(site < count);
    return holdings[site];
}

static void page_map_add_straddling_block_uses_both_pages(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();

    add(map, 4000, 200, 0);
    add(map, 8192, 1, 1);

    assert_int_equal(page_map_used_count(map), 3);
    assert_int_equal(holding_of(map, 0).page_count, 2);
    assert_int_equal(holding_of(map, 1).page_count, 1);
    assert_int_equal(page_map_highest_end(map, BASE, BASE + (1 << 20)), BASE + 12288);
    page_map_destroy(map);
}

static void page_map_shared_page_belongs_to_nobody_until_one_is_left(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();
    add(map, 0, 100, 5);
    add(map, 100, 100, 5);

    add(map, 200, 100, 3);
    uint64_t shared = holding_of(map, 5).page_count + holding_of(map, 3).page_count;
    remove_block(map, 0, 100, 5);
    remove_block(map, 100, 100, 5);

    assert_int_equal(shared, 0);
    assert_int_equal(holding_of(map, 3).page_count, 1);
    assert_int_equal(holding_of(map, 5).page_count, 0);
    page_map_destroy(map);
}

/* 1 + 3 = 2 + 2, but 1 + 9 is not 4 + 4: sums alone would be deceived. */
static void page_map_sites_of_equal_sum_are_told_apart(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();

    add(map, 0, 8, 1);
    add(map, 64, 8, 3);
    add(map, 4096, 8, 2);
    add(map, 4160, 8, 2);

    assert_int_equal(holding_of(map, 2).page_count, 1);
    assert_int_equal(holding_of(map, 1).page_count + holding_of(map, 3).page_count, 0);
    page_map_destroy(map);
}

static void page_map_large_block_holds_whole_stretches_and_its_ends(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();
    const uint64_t size_bytes = 5 * (uint64_t)HUGE_PAGE_BYTES;

    add(map, 4096 + 16, size_bytes, 0);
    uint64_t used_count = page_map_used_count(map);
    struct site_holding holding = holding_of(map, 0);
    add(map, 4096, 16, 1);
    struct site_holding shared = holding_of(map, 0);
    remove_block(map, 4096 + 16, size_bytes, 0);

    assert_int_equal(used_count, size_bytes / PAGE_BYTES + 1);
    assert_int_equal(holding.page_count, used_count);
    assert_int_equal(holding.huge_page_count, 6);
    assert_int_equal(shared.page_count, used_count - 1);
    assert_int_equal(shared.huge_page_count, 5);
    assert_int_equal(page_map_used_count(map), 1);
    page_map_destroy(map);
}

static void page_map_forget_leaves_what_was_never_held(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();
    add(map, 0, 3 * PAGE_BYTES, 0);
    remove_block(map, 0, 3 * PAGE_BYTES, 0);

    uint64_t before = page_map_ever_count(map);
    page_map_forget(map, BASE + PAGE_BYTES, BASE + 2 * PAGE_BYTES);

    assert_int_equal(before, 3);
    assert_int_equal(page_map_ever_count(map), 2);
    assert_int_equal(page_map_count(map, BASE, BASE + 2 * PAGE_BYTES).ever_count, 1);
    assert_int_equal(page_map_used_count(map), 0);
    page_map_destroy(map);
}

static void page_map_add_impossible_block_is_refused(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();

    assert_int_equal(page_map_add(map, BASE, UINT64_C(1) << 60, 0), -EBADMSG);
    assert_int_equal(page_map_add(map, UINT64_MAX - 7, 16, 0), -EBADMSG);
    assert_int_equal(page_map_add(map, BASE, 16, SITE_HOLDINGS_MAX), -E2BIG);

    assert_int_equal(page_map_used_count(map), 0);
    page_map_destroy(map);
}

static void page_map_holdings_are_integrated_over_time(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();
    add(map, 0, 1024, 0);
    page_map_advance(map, 2000000000);
    add(map, 1024, 1024, 1); /* shares the page from here on */
    page_map_advance(map, 3000000000);
    remove_block(map, 1024, 1024, 1);
    page_map_advance(map, 4000000000);

    struct site_holding holding = holding_of(map, 0);

    assert_true(holding.page_byte_seconds == 3.0 * PAGE_BYTES);
    assert_true(holding.live_byte_seconds == 4.0 * 1024);
    assert_true(holding_of(map, 1).page_byte_seconds == 0);
    page_map_destroy(map);
}

enum {
    BLOCKS = 200,
    PAGES = 1600, /* more than three stretches of 2 MiB */
    SITES = 5,
};

struct model_block {
    uint64_t offset;
    uint64_t size_bytes; /* 0: not live */
    uint32_t site;
};

/* Which site alone is on a page: -1 nobody or several. */
static void compare_with_model(struct page_map *map, const struct model_block *blocks)
{
    uint64_t held[SITES] = {0};
    uint64_t used_count = 0;
    for (uint64_t page = 0; page < PAGES; page++) {
        int owner = -1;
        bool is_used = false;
        bool is_shared = false;
        for (size_t i = 0; i < BLOCKS; i++) {
            const struct model_block *block = &blocks[i];
            if (block->size_bytes > 0 && block->offset < (page + 1) * PAGE_BYTES &&
                block->offset + block->size_bytes > page * PAGE_BYTES) {
                is_shared = is_shared || (is_used && owner != (int)block->site);
                owner = (int)block->site;
                is_used = true;
            }
        }
        used_count += is_used;
        if (is_used && !is_shared) {
            held[owner]++;
        }
    }
    assert_int_equal(page_map_used_count(map), used_count);
    for (uint32_t site = 0; site < SITES; site++) {
        assert_int_equal(holding_of(map, site).page_count, held[site]);
    }
}

static bool overlaps(const struct model_block *blocks, uint64_t offset, uint64_t size_bytes)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i].size_bytes > 0 && offset < blocks[i].offset + blocks[i].size_bytes &&
            blocks[i].offset < offset + size_bytes) {
            return true;
        }
    }
    return false;
}

static void page_map_random_blocks_agree_with_a_plain_count(void **state)
{
    (void)state;
    struct page_map *map = page_map_create();
    struct model_block blocks[BLOCKS] = {{0}};
    uint64_t random = 42;
    for (uint32_t site = 0; site < SITES; site++) {
        add(map, (uint64_t)PAGES * PAGE_BYTES + site * 16, 16, site);
        remove_block(map, (uint64_t)PAGES * PAGE_BYTES + site * 16, 16, site);
    }
    for (int step = 0; step < 3000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        struct model_block *block = &blocks[(random >> 33) % BLOCKS];
        if (block->size_bytes > 0) {
            remove_block(map, block->offset, block->size_bytes, block->site);
            block->size_bytes = 0;
        } else {
            bool is_large = (random >> 60) == 0;
            uint64_t size_bytes = 16 + (random >> 20) % (is_large ? 2500 * 1024 : 6000);
            uint64_t offset = (random >> 13) % ((uint64_t)PAGES * PAGE_BYTES - size_bytes);
            if (!overlaps(blocks, offset, size_bytes)) {
                *block = (struct model_block){offset, size_bytes, (uint32_t)(random >> 40) % SITES};
                add(map, offset, size_bytes, block->site);
            }
        }
        if (step % 100 == 0) {
            compare_with_model(map, blocks);
        }
    }
    page_map_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_map_add_straddling_block_uses_both_pages),
        cmocka_unit_test(page_map_shared_page_belongs_to_nobody_until_one_is_left),
        cmocka_unit_test(page_map_sites_of_equal_sum_are_told_apart),
        cmocka_unit_test(page_map_large_block_holds_whole_stretches_and_its_ends),
        cmocka_unit_test(page_map_forget_leaves_what_was_never_held),
        cmocka_unit_test(page_map_add_impossible_block_is_refused),
        cmocka_unit_test(page_map_holdings_are_integrated_over_time),
        cmocka_unit_test(page_map_random_blocks_agree_with_a_plain_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
