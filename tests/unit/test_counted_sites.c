#include "counting_lane.h"

#include "../../interposer/counted_sites.h"

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
    struct lane_of_test *lane = *state;
    check_sites(lane, COUNTED_CALLS, NULL, 0);
    (void)counting_begin(lane->counting, &lane->writer); /* goes on */
    put_alloc_by(lane, 9, 0x1000, 1000);
    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    put_alloc_by(lane, 3, 0x2000, 10);
    put_alloc_by(lane, 5, 0x3000, 500);
    put_alloc_by(lane, 4, 0x4000, 1);
    put_free(lane, FREE_KIND_FREE, 0x2000);
    put_alloc_by(lane, 3, 0x2000, 20);
    put_alloc_by(lane, 6, 0x5000, 2);
    put_free(lane, FREE_KIND_FREE, 0x3000);
    put_free(lane, FREE_KIND_FREE, 0x5000);
    assert_true(counting_end(lane->counting, &lane->writer, serial, &lane->measured));
    put_alloc_by(lane, 8, 0x6000, 7);
    counting_catch_up(lane->counting, &lane->writer);

    check_sites(lane, COUNTED_CALLS, (struct counted_site[]){{3, 2, 30}, {4, 1, 1}, {5, 1, 500}},
                3);
    check_sites(lane, COUNTED_BYTES, (struct counted_site[]){{5, 1, 500}, {3, 2, 30}, {6, 1, 2}},
                3);
    check_sites(lane, COUNTED_LIVE, (struct counted_site[]){{3, 1, 20}, {4, 1, 1}}, 2);
}

static void counted_sites_know_the_last_calls(void **state)
{
    struct lane_of_test *lane = *state;
    struct counted_site site;
    struct counted_sites all;
    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    for (uint32_t i = 0; i < COUNTING_RECENT_CALLS + 10; i++) {
        lane->writer.cursor = lane->chunk->words;
        counting_move(lane->counting, &lane->writer);
        put_alloc_by(lane, i < 9 ? 1 : 2 + i % 2, 0x1000, 1);
        counting_catch_up(lane->counting, &lane->writer);
    }
    assert_true(counting_end(lane->counting, &lane->writer, serial, &lane->measured));

    assert_int_equal(counted_sites_find(lane->counting, COUNTED_CALLS, &site, 1, &all), 1);
    assert_int_equal(site.stack_id, 2);
    assert_int_equal(site.count, COUNTING_RECENT_CALLS / 2);
    assert_int_equal(all.stack_count, 2);
    assert_int_equal(all.forgotten_count, 10);
}

/* After dlopen() the numbers of a thread's stacks begin anew. */
static void counted_sites_leave_out_old_numbers(void **state)
{
    struct lane_of_test *lane = *state;
    struct counted_site site;
    struct counted_sites all;
    uint64_t serial = counting_begin(lane->counting, &lane->writer);
    put_alloc_by(lane, 1, 0x1000, 10);
    lane->writer.cursor[0] = event_head(EVENT_STACK, 0, 0);
    lane->writer.cursor[1] = UINT64_C(1) << 32 | 1;
    lane->writer.cursor[2] = 0x1234;
    lane->writer.cursor += 3;
    put_alloc_by(lane, 1, 0x2000, 30);
    assert_true(counting_end(lane->counting, &lane->writer, serial, &lane->measured));

    for (enum counted_figure figure = COUNTED_CALLS; figure <= COUNTED_LIVE; figure++) {
        assert_int_equal(counted_sites_find(lane->counting, figure, &site, 1, &all), 1);
        assert_int_equal(site.count, 1);
        assert_int_equal(site.size_bytes, 30);
        assert_int_equal(all.forgotten_count, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(counted_sites_are_those_of_the_measurement),
        LANE_TEST(counted_sites_know_the_last_calls),
        LANE_TEST(counted_sites_leave_out_old_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
