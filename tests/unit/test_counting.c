#include "counting_lane.h"

#include "../../interposer/counting.h"

static void put_wide(struct lane_of_test *lane, uint64_t address, uint64_t bytes)
{
    uint64_t *words = lane->writer.cursor;
    words[0] = event_head(EVENT_ALLOC_WIDE + ALLOC_KIND_MEMALIGN, 0, 1);
    words[1] = address;
    words[2] = bytes;
    lane->writer.cursor += 5;
}

static void put_mark(struct lane_of_test *lane)
{
    struct event_mark *mark = (struct event_mark *)lane->writer.cursor;
    mark->head = event_head(EVENT_MARK, 0, 1);
    mark->name_bytes = 5;
    memcpy(mark->text, "frame", 5);
    lane->writer.cursor += 3;
}

static void counting_catch_up_counts_records_of_every_kind(void **state)
{
    struct lane_of_test *lane = *state;
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    put_mark(lane);
    put_wide(lane, 0x2000, UINT64_C(1) << 33);
    put_alloc(lane, ALLOC_KIND_MMAP, 0x10000, 4096);
    put_alloc(lane, ALLOC_KIND_INTERNAL, 0x3000, 7);
    put_free(lane, FREE_KIND_FREE, 0x1000);
    put_free(lane, FREE_KIND_MUNMAP, 0x10000);

    counting_catch_up(lane->counting, &lane->writer);
    counting_catch_up(lane->counting, &lane->writer);

    assert_int_equal(lane->counting->sums.allocation_count, 2);
    assert_int_equal(lane->counting->sums.free_count, 1);
    assert_int_equal(lane->counting->sums.allocated_bytes, (UINT64_C(1) << 33) + 10);
    assert_false(lane->counting->is_broken);
}

static void put_paused(struct lane_of_test *lane, uint64_t address, uint64_t freed_address)
{
    uint64_t *words = lane->writer.cursor;
    words[0] = event_head(EVENT_PAUSED_ALLOC + ALLOC_KIND_MALLOC, 0, 1);
    words[1] = address;
    words[2] = words[3] = 500;
    words[4] = 0;
    words[5] = event_head(EVENT_PAUSED_FREE + FREE_KIND_FREE, 0, 1);
    words[6] = freed_address;
    lane->writer.cursor += 7;
}

static void counting_of_a_paused_thread_knows_only_what_died(void **state)
{
    struct lane_of_test *lane = *state;

    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x2000, 20);
    put_paused(lane, 0x3000, 0x1000);
    put_free(lane, FREE_KIND_FREE, 0x3000);
    assert_true(counting_end(lane->counting, &lane->writer, serial, &lane->measured));

    assert_int_equal(lane->counting->sums.allocation_count, 2);
    assert_int_equal(lane->counting->sums.free_count, 1);
    assert_int_equal(lane->counting->sums.allocated_bytes, 30);
    assert_int_equal(lane->measured.live_bytes, 20);
    assert_int_equal(lane->measured.peak_bytes, 30);
}

static void counting_start_leaves_out_what_was_before(void **state)
{
    struct lane_of_test *lane = *state;
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 10);

    assert_true(counting_start(&lane->counting, &lane->writer));
    counting_catch_up(lane->counting, &lane->writer);

    assert_int_equal(lane->counting->sums.allocation_count, 0);
}

static void counting_move_goes_on_in_the_next_chunk(void **state)
{
    struct lane_of_test *lane = *state;
    struct chunk *first = lane->chunk;
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 10);

    counting_catch_up(lane->counting, &lane->writer);
    enter_chunk(lane);
    counting_move(lane->counting, &lane->writer);
    memset(first, 0xff, sizeof(*first));
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x2000, 20);
    counting_catch_up(lane->counting, &lane->writer);

    assert_int_equal(lane->counting->sums.allocation_count, 2);
    assert_int_equal(lane->counting->sums.allocated_bytes, 30);
    free(first);
}

static void counting_end_knows_live_blocks_and_their_peak(void **state)
{
    struct lane_of_test *lane = *state;
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 1000);

    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x2000, 100);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x3000, 50);
    put_free(lane, FREE_KIND_FREE, 0x2000);
    put_free(lane, FREE_KIND_FREE, 0x1000); /* older than the measurement */
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x4000, 60);
    assert_true(counting_end(lane->counting, &lane->writer, serial, &lane->measured));

    assert_int_equal(lane->measured.before.allocation_count, 1);
    assert_int_equal(lane->measured.live_count, 2);
    assert_int_equal(lane->measured.live_bytes, 110);
    assert_int_equal(lane->measured.peak_bytes, 150);
    assert_int_equal(lane->counting->depth, 0);
    (void)counting_begin(lane->counting, &lane->writer);
    assert_int_equal(lane->counting->block_count, 0);
}

static void counting_end_of_an_outer_one_ends_the_inner(void **state)
{
    struct lane_of_test *lane = *state;

    uint64_t outer = counting_begin(lane->counting, &lane->writer);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    uint64_t inner = counting_begin(lane->counting, &lane->writer);
    put_free(lane, FREE_KIND_FREE, 0x1000);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x2000, 3);
    assert_true(counting_end(lane->counting, &lane->writer, outer, &lane->measured));

    assert_int_equal(lane->measured.live_count, 1);
    assert_int_equal(lane->measured.peak_bytes, 10);
    assert_false(counting_end(lane->counting, &lane->writer, inner, &lane->measured));
}

static void counting_address_given_again_is_another_block(void **state)
{
    struct lane_of_test *lane = *state;

    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 30); /* another thread has freed it meanwhile */
    assert_true(counting_end(lane->counting, &lane->writer, serial, &lane->measured));

    assert_int_equal(lane->measured.live_count, 1);
    assert_int_equal(lane->measured.live_bytes, 30);
}

static void counting_keeps_many_blocks(void **state)
{
    enum {
        BLOCKS = 20000,
    };
    struct lane_of_test *lane = *state;

    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    for (uint64_t i = 0; i < 2 * BLOCKS; i++) {
        lane->writer.cursor = lane->chunk->words;
        counting_move(lane->counting, &lane->writer);
        uint64_t address = 0x100000 + i % BLOCKS * 7919 % BLOCKS * 16;
        if (i < BLOCKS) {
            put_alloc(lane, ALLOC_KIND_MALLOC, address, 1);
        } else if (i % 4 != 0) {
            put_free(lane, FREE_KIND_FREE, address);
        }
        counting_catch_up(lane->counting, &lane->writer);
    }
    assert_true(counting_end(lane->counting, &lane->writer, serial, &lane->measured));

    assert_int_equal(lane->measured.live_count, BLOCKS / 4);
    assert_int_equal(lane->measured.peak_bytes, BLOCKS);
}

static void counting_that_lost_records_knows_nothing(void **state)
{
    struct lane_of_test *lane = *state;

    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    lane->writer.cursor[0] = event_head(EVENT_LOST, 0, 0);
    lane->writer.cursor[1] = 3;
    lane->writer.cursor += 2;

    assert_false(counting_end(lane->counting, &lane->writer, serial, &lane->measured));
}

static void counting_begin_too_deep_gives_the_outer_ones_up(void **state)
{
    struct lane_of_test *lane = *state;
    uint64_t first = counting_begin(lane->counting, &lane->writer);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    for (int i = 1; i < COUNTING_DEPTH_MAX; i++) {
        (void)counting_begin(lane->counting, &lane->writer);
    }

    uint64_t last = counting_begin(lane->counting, &lane->writer);
    put_alloc(lane, ALLOC_KIND_MALLOC, 0x2000, 20);

    assert_true(counting_end(lane->counting, &lane->writer, last, &lane->measured));
    assert_int_equal(lane->measured.live_bytes, 20);
    assert_false(counting_end(lane->counting, &lane->writer, first, &lane->measured));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(counting_catch_up_counts_records_of_every_kind),
        LANE_TEST(counting_of_a_paused_thread_knows_only_what_died),
        cmocka_unit_test_setup_teardown(counting_start_leaves_out_what_was_before,
                                        lane_of_test_make, lane_of_test_end),
        LANE_TEST(counting_move_goes_on_in_the_next_chunk),
        LANE_TEST(counting_end_knows_live_blocks_and_their_peak),
        LANE_TEST(counting_end_of_an_outer_one_ends_the_inner),
        LANE_TEST(counting_address_given_again_is_another_block),
        LANE_TEST(counting_keeps_many_blocks),
        LANE_TEST(counting_that_lost_records_knows_nothing),
        LANE_TEST(counting_begin_too_deep_gives_the_outer_ones_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
