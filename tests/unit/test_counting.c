#include "../../interposer/counting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../interposer/counted_sites.h"

struct lane_of_test {
    struct chunk *chunk;
    struct writer writer;
    struct counting *counting;
};

static void enter_chunk(struct lane_of_test *lane)
{
    lane->chunk = calloc(1, sizeof(*lane->chunk));
    assert_non_null(lane->chunk);
    lane->writer.chunk = lane->chunk;
    lane->writer.cursor = lane->chunk->words;
}

static void start(struct lane_of_test *lane)
{
    *lane = (struct lane_of_test){.counting = NULL};
    enter_chunk(lane);
    assert_true(counting_start(&lane->counting, &lane->writer));
}

static void end(struct lane_of_test *lane)
{
    free(lane->chunk);
}

static void put_alloc(struct lane_of_test *lane, unsigned kind, uint64_t address, uint64_t bytes)
{
    uint64_t *words = lane->writer.cursor;
    words[0] = event_head(EVENT_ALLOC + kind, 0, 1);
    words[1] = address | UINT64_C(8) << EVENT_ADDRESS_BITS;
    words[2] = UINT64_C(7) << 32 | bytes;
    lane->writer.cursor += 3;
}

static void put_wide(struct lane_of_test *lane, uint64_t address, uint64_t bytes)
{
    uint64_t *words = lane->writer.cursor;
    words[0] = event_head(EVENT_ALLOC_WIDE + ALLOC_KIND_MEMALIGN, 0, 1);
    words[1] = address;
    words[2] = bytes;
    lane->writer.cursor += 5;
}

static void put_free(struct lane_of_test *lane, unsigned kind, uint64_t address)
{
    uint64_t *words = lane->writer.cursor;
    words[0] = event_head(EVENT_FREE + kind, 0, 1);
    words[1] = address;
    lane->writer.cursor += 2;
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
    (void)state;
    struct lane_of_test lane;
    start(&lane);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    put_mark(&lane);
    put_wide(&lane, 0x2000, UINT64_C(1) << 33);
    put_alloc(&lane, ALLOC_KIND_MMAP, 0x10000, 4096);
    put_alloc(&lane, ALLOC_KIND_INTERNAL, 0x3000, 7);
    put_free(&lane, FREE_KIND_FREE, 0x1000);
    put_free(&lane, FREE_KIND_MUNMAP, 0x10000);

    counting_catch_up(lane.counting, &lane.writer);
    counting_catch_up(lane.counting, &lane.writer);

    assert_int_equal(lane.counting->sums.allocation_count, 2);
    assert_int_equal(lane.counting->sums.free_count, 1);
    assert_int_equal(lane.counting->sums.allocated_bytes, (UINT64_C(1) << 33) + 10);
    assert_false(lane.counting->is_broken);
    end(&lane);
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
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);

    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x2000, 20);
    put_paused(&lane, 0x3000, 0x1000);
    put_free(&lane, FREE_KIND_FREE, 0x3000);
    assert_true(counting_end(lane.counting, &lane.writer, serial, &measured));

    assert_int_equal(lane.counting->sums.allocation_count, 2);
    assert_int_equal(lane.counting->sums.free_count, 1);
    assert_int_equal(lane.counting->sums.allocated_bytes, 30);
    assert_int_equal(measured.live_bytes, 20);
    assert_int_equal(measured.peak_bytes, 30);
    end(&lane);
}

static void counting_start_leaves_out_what_was_before(void **state)
{
    (void)state;
    struct lane_of_test lane = {.counting = NULL};
    enter_chunk(&lane);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 10);

    assert_true(counting_start(&lane.counting, &lane.writer));
    counting_catch_up(lane.counting, &lane.writer);

    assert_int_equal(lane.counting->sums.allocation_count, 0);
    end(&lane);
}

static void counting_move_goes_on_in_the_next_chunk(void **state)
{
    (void)state;
    struct lane_of_test lane;
    start(&lane);
    struct chunk *first = lane.chunk;
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 10);

    counting_catch_up(lane.counting, &lane.writer);
    enter_chunk(&lane);
    counting_move(lane.counting, &lane.writer);
    memset(first, 0xff, sizeof(*first));
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x2000, 20);
    counting_catch_up(lane.counting, &lane.writer);

    assert_int_equal(lane.counting->sums.allocation_count, 2);
    assert_int_equal(lane.counting->sums.allocated_bytes, 30);
    free(first);
    end(&lane);
}

static void counting_end_knows_live_blocks_and_their_peak(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 1000);

    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x2000, 100);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x3000, 50);
    put_free(&lane, FREE_KIND_FREE, 0x2000);
    put_free(&lane, FREE_KIND_FREE, 0x1000); /* older than the measurement */
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x4000, 60);
    assert_true(counting_end(lane.counting, &lane.writer, serial, &measured));

    assert_int_equal(measured.before.allocation_count, 1);
    assert_int_equal(measured.live_count, 2);
    assert_int_equal(measured.live_bytes, 110);
    assert_int_equal(measured.peak_bytes, 150);
    assert_int_equal(lane.counting->depth, 0);
    (void)counting_begin(lane.counting, &lane.writer);
    assert_int_equal(lane.counting->block_count, 0);
    end(&lane);
}

static void counting_end_of_an_outer_one_ends_the_inner(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);

    uint64_t outer = counting_begin(lane.counting, &lane.writer);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    uint64_t inner = counting_begin(lane.counting, &lane.writer);
    put_free(&lane, FREE_KIND_FREE, 0x1000);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x2000, 3);
    assert_true(counting_end(lane.counting, &lane.writer, outer, &measured));

    assert_int_equal(measured.live_count, 1);
    assert_int_equal(measured.peak_bytes, 10);
    assert_false(counting_end(lane.counting, &lane.writer, inner, &measured));
    end(&lane);
}

static void counting_address_given_again_is_another_block(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);

    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 30); /* another thread has freed it meanwhile */
    assert_true(counting_end(lane.counting, &lane.writer, serial, &measured));

    assert_int_equal(measured.live_count, 1);
    assert_int_equal(measured.live_bytes, 30);
    end(&lane);
}

static void counting_keeps_many_blocks(void **state)
{
    (void)state;
    enum {
        BLOCKS = 20000,
    };
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);

    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    for (uint64_t i = 0; i < 2 * BLOCKS; i++) {
        lane.writer.cursor = lane.chunk->words;
        counting_move(lane.counting, &lane.writer);
        uint64_t address = 0x100000 + i % BLOCKS * 7919 % BLOCKS * 16;
        if (i < BLOCKS) {
            put_alloc(&lane, ALLOC_KIND_MALLOC, address, 1);
        } else if (i % 4 != 0) {
            put_free(&lane, FREE_KIND_FREE, address);
        }
        counting_catch_up(lane.counting, &lane.writer);
    }
    assert_true(counting_end(lane.counting, &lane.writer, serial, &measured));

    assert_int_equal(measured.live_count, BLOCKS / 4);
    assert_int_equal(measured.peak_bytes, BLOCKS);
    end(&lane);
}

static void counting_that_lost_records_knows_nothing(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);

    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    lane.writer.cursor[0] = event_head(EVENT_LOST, 0, 0);
    lane.writer.cursor[1] = 3;
    lane.writer.cursor += 2;

    assert_false(counting_end(lane.counting, &lane.writer, serial, &measured));
    end(&lane);
}

static void counting_begin_too_deep_gives_the_outer_ones_up(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);
    uint64_t first = counting_begin(lane.counting, &lane.writer);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x1000, 10);
    for (int i = 1; i < COUNTING_DEPTH_MAX; i++) {
        (void)counting_begin(lane.counting, &lane.writer);
    }

    uint64_t last = counting_begin(lane.counting, &lane.writer);
    put_alloc(&lane, ALLOC_KIND_MALLOC, 0x2000, 20);

    assert_true(counting_end(lane.counting, &lane.writer, last, &measured));
    assert_int_equal(measured.live_bytes, 20);
    assert_false(counting_end(lane.counting, &lane.writer, first, &measured));
    end(&lane);
}

static void put_alloc_by(struct lane_of_test *lane, uint32_t stack_id, uint64_t address,
                         uint64_t bytes)
{
    put_alloc(lane, ALLOC_KIND_MALLOC, address, bytes);
    lane->writer.cursor[-1] = (uint64_t)stack_id << 32 | bytes;
}

static void check_sites(const struct lane_of_test *lane, enum counted_figure figure,
                        const struct counted_site *wanted, size_t count)
{
    struct counted_site sites[3];
    struct counted_sites all;
    assert_int_equal(counted_sites_find(lane->counting, figure, sites, 3, &all), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(sites[i].stack_id, wanted[i].stack_id);
        assert_int_equal(sites[i].count, wanted[i].count);
        assert_int_equal(sites[i].size_bytes, wanted[i].size_bytes);
    }
}

static void counted_sites_are_those_of_the_measurement(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    start(&lane);
    check_sites(&lane, COUNTED_CALLS, NULL, 0);
    (void)counting_begin(lane.counting, &lane.writer); /* goes on */
    put_alloc_by(&lane, 9, 0x1000, 1000);
    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    put_alloc_by(&lane, 3, 0x2000, 10);
    put_alloc_by(&lane, 5, 0x3000, 500);
    put_alloc_by(&lane, 4, 0x4000, 1);
    put_free(&lane, FREE_KIND_FREE, 0x2000);
    put_alloc_by(&lane, 3, 0x2000, 20);
    put_alloc_by(&lane, 6, 0x5000, 2);
    put_free(&lane, FREE_KIND_FREE, 0x3000);
    put_free(&lane, FREE_KIND_FREE, 0x5000);
    assert_true(counting_end(lane.counting, &lane.writer, serial, &measured));
    put_alloc_by(&lane, 8, 0x6000, 7);
    counting_catch_up(lane.counting, &lane.writer);

    check_sites(&lane, COUNTED_CALLS, (struct counted_site[]){{3, 2, 30}, {4, 1, 1}, {5, 1, 500}},
                3);
    check_sites(&lane, COUNTED_BYTES, (struct counted_site[]){{5, 1, 500}, {3, 2, 30}, {6, 1, 2}},
                3);
    check_sites(&lane, COUNTED_LIVE, (struct counted_site[]){{3, 1, 20}, {4, 1, 1}}, 2);
    end(&lane);
}

static void counted_sites_know_the_last_calls(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    struct counted_site site;
    struct counted_sites all;
    start(&lane);
    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    for (uint32_t i = 0; i < COUNTING_RECENT_CALLS + 10; i++) {
        lane.writer.cursor = lane.chunk->words;
        counting_move(lane.counting, &lane.writer);
        put_alloc_by(&lane, i < 9 ? 1 : 2 + i % 2, 0x1000, 1);
        counting_catch_up(lane.counting, &lane.writer);
    }
    assert_true(counting_end(lane.counting, &lane.writer, serial, &measured));

    assert_int_equal(counted_sites_find(lane.counting, COUNTED_CALLS, &site, 1, &all), 1);
    assert_int_equal(site.stack_id, 2);
    assert_int_equal(site.count, COUNTING_RECENT_CALLS / 2);
    assert_int_equal(all.stack_count, 2);
    assert_int_equal(all.forgotten_count, 10);
    end(&lane);
}

/* After dlopen() the numbers of a thread's stacks begin anew. */
static void counted_sites_leave_out_old_numbers(void **state)
{
    (void)state;
    struct lane_of_test lane;
    struct measurement_state measured;
    struct counted_site site;
    struct counted_sites all;
    start(&lane);
    uint64_t serial = counting_begin(lane.counting, &lane.writer);
    put_alloc_by(&lane, 1, 0x1000, 10);
    lane.writer.cursor[0] = event_head(EVENT_STACK, 0, 0);
    lane.writer.cursor[1] = UINT64_C(1) << 32 | 1;
    lane.writer.cursor[2] = 0x1234;
    lane.writer.cursor += 3;
    put_alloc_by(&lane, 1, 0x2000, 30);
    assert_true(counting_end(lane.counting, &lane.writer, serial, &measured));

    for (enum counted_figure figure = COUNTED_CALLS; figure <= COUNTED_LIVE; figure++) {
        assert_int_equal(counted_sites_find(lane.counting, figure, &site, 1, &all), 1);
        assert_int_equal(site.count, 1);
        assert_int_equal(site.size_bytes, 30);
        assert_int_equal(all.forgotten_count, 1);
    }
    end(&lane);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_catch_up_counts_records_of_every_kind),
        cmocka_unit_test(counting_of_a_paused_thread_knows_only_what_died),
        cmocka_unit_test(counting_start_leaves_out_what_was_before),
        cmocka_unit_test(counting_move_goes_on_in_the_next_chunk),
        cmocka_unit_test(counting_end_knows_live_blocks_and_their_peak),
        cmocka_unit_test(counting_end_of_an_outer_one_ends_the_inner),
        cmocka_unit_test(counting_address_given_again_is_another_block),
        cmocka_unit_test(counting_keeps_many_blocks),
        cmocka_unit_test(counting_that_lost_records_knows_nothing),
        cmocka_unit_test(counting_begin_too_deep_gives_the_outer_ones_up),
        cmocka_unit_test(counted_sites_are_those_of_the_measurement),
        cmocka_unit_test(counted_sites_know_the_last_calls),
        cmocka_unit_test(counted_sites_leave_out_old_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
