#include "../../analyzer/collect/recording/weight.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/collect/recording/tally.h"
#include "../../schema/event.h"

enum {
    BLOCKS = 200000,
};

static struct block block_of(uint64_t size_bytes, uint64_t born_ns)
{
    return (struct block){.size_bytes = size_bytes, .born_ns = born_ns, .kind = ALLOC_KIND_MALLOC};
}

static void weight_of_everything_recorded_is_one(void **state)
{
    (void)state;
    struct block block = block_of(100, 7);

    assert_int_equal(weight_of(0, &block), 1);
    assert_int_equal(weight_of_row(0, &block), 0);
}

static void weight_of_mapping_is_one(void **state)
{
    (void)state;
    struct block block = block_of(1, 7);

    block.kind = ALLOC_KIND_MMAP;
    assert_int_equal(weight_of(1 << 20, &block), 1);
    assert_int_equal(weight_of_row(1 << 20, &block), 1);
    block.kind = ALLOC_KIND_BRK;
    assert_int_equal(weight_of(1 << 20, &block), 1);
}

/* Rounded by chance, so that the mean over many births is 1 / p. */
static void check_mean(uint64_t sample_bytes, uint64_t size_bytes)
{
    double exact = 1 / -expm1(-((double)size_bytes + 1) / (double)sample_bytes);
    double sum = 0;
    for (uint64_t i = 0; i < BLOCKS; i++) {
        struct block block = block_of(size_bytes, 1000000000 + i * 37);
        uint32_t weight = weight_of(sample_bytes, &block);
        assert_true(weight == (uint32_t)exact || weight == (uint32_t)exact + 1);
        assert_int_equal(weight_of(sample_bytes, &block), weight);
        sum += weight;
    }
    assert_true(fabs(sum / BLOCKS - exact) < 4.5 * 0.5 / sqrt(BLOCKS));
}

static void weight_of_any_size_has_the_right_mean(void **state)
{
    (void)state;
    check_mean(1, 0);
    check_mean(64, 1);
    check_mean(512, 500);
    check_mean(524288, 0);
    check_mean(524288, 64);
    check_mean(524288, 600000);
    check_mean(524288, 100000000);
    check_mean(UINT64_C(1) << 30, 0);
    check_mean(UINT64_C(1) << 30, UINT64_C(1) << 40);
}

/* Weight 1 must be what tally_alloc() and tally_free() do, but for temporary blocks. */
static void tally_weighted_by_one_equals_unweighted(void **state)
{
    (void)state;
    struct tally plain;
    struct tally weighted;
    uint32_t site;
    assert_int_equal(tally_init(&plain, 0), 0);
    assert_int_equal(tally_init(&weighted, 0), 0);
    assert_int_equal(tally_site(&plain, 5, &site), 0);
    assert_int_equal(tally_site(&weighted, 5, &site), 0);

    for (uint64_t i = 0; i < 3000; i++) {
        struct block block = block_of(i * 7919 % 100000, i * 10000);
        struct death death = {
            .died_ns = i * 10000 + i % 5 * 900, .own_allocations = 1000, .is_remote = i % 7 == 0};
        block.site = site;
        assert_int_equal(tally_alloc(&plain, &block, i % 4 == 0, i), 0);
        assert_int_equal(tally_alloc_weighted(&weighted, &block, 1, i % 4 == 0, i), 0);
        if (i % 11 != 0) {
            assert_int_equal(tally_free(&plain, &block, &death), 0);
            assert_int_equal(tally_free_weighted(&weighted, &block, 1, &death), 0);
        }
    }
    tally_finish(&plain);
    tally_finish(&weighted);

    assert_memory_equal(&plain.sites[site], &weighted.sites[site], sizeof(struct site));
    assert_memory_equal(plain.sizes, weighted.sizes, TALLY_SIZE_CLASSES * sizeof(*plain.sizes));
    assert_memory_equal(plain.lifetimes, weighted.lifetimes, sizeof(plain.lifetimes));
    assert_int_equal(plain.slice_count, weighted.slice_count);
    assert_int_equal(plain.peak_bytes, weighted.peak_bytes);
    assert_int_equal(plain.peak_count, weighted.peak_count);
    assert_int_equal(plain.peak_ns, weighted.peak_ns);
    assert_true(weighted.spreads[site].allocation_count == 0);
    assert_true(weighted.spreads[site].live_bytes == 0);
    tally_fini(&plain);
    tally_fini(&weighted);
}

static void tally_weighted_spread_is_that_of_what_is_live(void **state)
{
    (void)state;
    struct tally tally;
    uint32_t site;
    assert_int_equal(tally_init(&tally, 0), 0);
    assert_int_equal(tally_site(&tally, 5, &site), 0);
    struct block kept = block_of(100, 10);
    struct block freed = block_of(10, 20);
    struct death death = {.died_ns = 30};
    kept.site = freed.site = site;

    assert_int_equal(tally_alloc_weighted(&tally, &kept, 5, false, 0), 0);
    assert_int_equal(tally_alloc_weighted(&tally, &freed, 50, false, 0), 0);
    assert_int_equal(tally_free_weighted(&tally, &freed, 50, &death), 0);

    const struct spread *spread = &tally.spreads[site];
    assert_true(spread->allocation_count == 5 * 4 + 50 * 49);
    assert_true(spread->allocated_bytes == 5 * 4 * 1e4 + 50 * 49 * 1e2);
    assert_true(spread->live_count == 5 * 4);
    assert_true(spread->live_bytes == 5 * 4 * 1e4);
    assert_int_equal(tally.allocation_count, 55);
    assert_int_equal(tally.live_bytes, 500);
    assert_int_equal(tally.peak_bytes, 1000);
    tally_fini(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weight_of_everything_recorded_is_one),
        cmocka_unit_test(weight_of_mapping_is_one),
        cmocka_unit_test(weight_of_any_size_has_the_right_mean),
        cmocka_unit_test(tally_weighted_by_one_equals_unweighted),
        cmocka_unit_test(tally_weighted_spread_is_that_of_what_is_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
