#include "tally_fixture.h"

struct timeline_sums {
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t live_bytes_max;
    uint64_t rss_bytes_max;
};

static struct timeline_sums sum_slices(const struct tally *tally)
{
    struct timeline_sums sums = {0};
    for (size_t i = 0; i < tally->slice_count; i++) {
        const struct slice *slice = &tally->slices[i];
        sums.allocation_count += slice->allocation_count;
        sums.allocated_bytes += slice->allocated_bytes;
        sums.free_count += slice->free_count;
        if (slice->live_bytes > sums.live_bytes_max) {
            sums.live_bytes_max = slice->live_bytes;
        }
        if (slice->rss_bytes > sums.rss_bytes_max) {
            sums.rss_bytes_max = slice->rss_bytes;
        }
    }
    return sums;
}

static void check_slices(const struct tally *tally, uint64_t rss_bytes_max)
{
    struct timeline_sums sums = sum_slices(tally);
    assert_in_range(tally->slice_count, 1, TALLY_SLICES_MAX);
    assert_int_equal(sums.allocation_count, tally->allocation_count);
    assert_int_equal(sums.allocated_bytes, tally->allocated_bytes);
    assert_int_equal(sums.free_count, tally->free_count);
    assert_int_equal(sums.live_bytes_max, tally->peak_bytes);
    assert_int_equal(sums.rss_bytes_max, rss_bytes_max);
}

/* Steps between events grow, so that slices are halved again and again while there is data in them.
 */
static void run_timeline(uint64_t started_ns, uint64_t seed)
{
    struct tally tally;
    uint64_t random = seed;
    uint64_t now_ns = started_ns;
    uint64_t rss_bytes_max = 0;
    assert_int_equal(tally_init(&tally, started_ns), 0);
    uint32_t site;
    assert_int_equal(tally_site(&tally, 1, &site), 0);
    unsigned first_shift = tally.slice_shift;
    for (unsigned i = 0; i < 3000; i++) {
        struct block block = make_block(site, now_ns, 1 + next_random(&random) % 1000);
        alloc(&tally, &block);
        now_ns += next_random(&random) % (UINT64_C(1000) << (i / 100));
        if (i % 3 != 0) {
            release(&tally, &block, now_ns);
        }
        if (i % 7 == 0) {
            uint64_t rss_bytes = next_random(&random) % 100000;
            assert_int_equal(tally_rss(&tally, now_ns, rss_bytes), 0);
            rss_bytes_max = rss_bytes > rss_bytes_max ? rss_bytes : rss_bytes_max;
        }
        if (i % 100 == 99) {
            check_slices(&tally, rss_bytes_max);
        }
    }
    assert_true(tally.slice_shift > first_shift + 4);
    assert_true(((tally.first_slice + tally.slice_count) << tally.slice_shift) > now_ns - 1);
    assert_true(tally.first_slice << tally.slice_shift <= started_ns);
    tally_fini(&tally);
}

static void tally_slices_halving_keeps_sums_and_maxima(void **state)
{
    (void)state;
    run_timeline(0, 1);
    run_timeline(UINT64_C(1) << 20, 2); /* an odd first slice */
    run_timeline(UINT64_C(123456789123), 3);
}

static void tally_slices_one_far_event_is_enough_to_widen_them(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 1);
    struct block near = make_block(0, 5, 10);
    struct block far = make_block(0, UINT64_C(1) << 52, 20);

    alloc(&tally, &near);
    alloc(&tally, &far);

    check_slices(&tally, 0);
    assert_int_equal(tally.slices[0].allocation_count, 1);
    assert_int_equal(tally.slices[tally.slice_count - 1].allocation_count, 1);
    assert_int_equal(tally.slices[tally.slice_count - 1].live_bytes, 30);
    tally_fini(&tally);
}

static void tally_slice_begins_with_what_is_live(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 1);
    struct block block = make_block(0, 0, 500);
    alloc(&tally, &block);

    release(&tally, &block, 10 << 20); /* the only event of its slice */

    const struct slice *slice = &tally.slices[10];
    assert_true(slice->is_touched);
    assert_int_equal(slice->live_bytes, 500);
    assert_int_equal(slice->live_count, 1);
    assert_int_equal(slice->free_count, 1);
    assert_false(tally.slices[5].is_touched);
    tally_fini(&tally);
}

/* The count that goes with the most bytes must survive when slices without events are merged in. */
static void tally_slices_halving_takes_counts_of_empty_blocks_along(void **state)
{
    (void)state;
    struct tally tally;
    begin(&tally, 1);
    struct block empty = make_block(0, 0, 0);
    alloc(&tally, &empty);
    empty.born_ns = UINT64_C(3) << 20; /* the second slice of its pair, the first has no events */
    alloc(&tally, &empty);
    struct block far = make_block(0, UINT64_C(3000) << 20, 1);

    alloc(&tally, &far);

    assert_int_equal(tally.slice_shift, 21);
    assert_int_equal(tally.slices[1].live_count, 1);
    tally_fini(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tally_slices_halving_keeps_sums_and_maxima),
        cmocka_unit_test(tally_slices_one_far_event_is_enough_to_widen_them),
        cmocka_unit_test(tally_slice_begins_with_what_is_live),
        cmocka_unit_test(tally_slices_halving_takes_counts_of_empty_blocks_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
