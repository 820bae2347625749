#include "../../analyzer/collect/drain/drain.h"

#include "draining.h"

static void drain_round_without_lanes_does_nothing(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);

    assert_int_equal(round_once(&collecting), 0);

    assert_int_equal(collecting.live.recording.subject_count, 0);
    assert_int_equal(collecting.drain.stuck_ticks,
                     clock_span_ticks(&collecting.live.recording.clock, 2000000000));
    end(&collecting);
}

static void drain_round_lanes_are_merged_by_their_stamps(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    struct ring_writer left = open_writer(&collecting, PID);
    struct ring_writer right = open_writer(&collecting, PID + 1);
    uint64_t start = ticks(&collecting);

    /* one address goes to and fro; the lanes are written one after the other */
    for (uint32_t i = 0; i < 500; i++) {
        ring_writer_alloc(&left, start + i * 4, 0x1000, i + 1, 0);
        ring_writer_free(&left, start + i * 4 + 3, 0x2000);
    }
    for (uint32_t i = 0; i < 500; i++) {
        ring_writer_free(&right, start + i * 4 + 1, 0x1000);
        ring_writer_alloc(&right, start + i * 4 + 2, 0x2000, 1000 + i, 0);
    }
    drain_exactly(&collecting, 2000);
    finish(&collecting, 1);

    const struct live_recording *live = &collecting.live;
    assert_int_equal(live_recording_number(live, "SELECT count(*) FROM block"), 1000);
    assert_int_equal(live_recording_number(live, "SELECT count(*) FROM allocation WHERE free_kind ="
                                                 " 'free' AND freed_by_thread_id <> thread_id"),
                     1000);
    assert_int_equal(live->recording.subjects[0]->unpaired_free_count, 0);
    end(&collecting);
}

/* --detail sites: the figures are those of full detail, rows are there for what is never freed. */
static void drain_round_sites_only_keeps_figures_and_live_rows(void **state)
{
    (void)state;
    struct tally tallies[2];
    for (int run = 0; run < 2; run++) {
        struct collecting collecting;
        begin(&collecting, CHUNKS_LEAST);
        collecting.live.recording.is_sites_only = run == 1;
        struct ring_writer writer = open_writer(&collecting, PID);
        uint64_t start = ticks(&collecting);
        for (uint32_t i = 0; i < 300; i++) {
            ring_writer_alloc(&writer, start + i * 2, 0x1000 + i % 4 * 0x100, i % 50, 0);
            if (i % 100 != 99) {
                ring_writer_free(&writer, start + i * 2 + 1, 0x1000 + i % 4 * 0x100);
            } else {
                ring_writer_alloc(&writer, start + i * 2 + 1, 0x10000 + i, 7, 0);
                ring_writer_free(&writer, start + i * 2 + 1, 0x1000 + i % 4 * 0x100);
            }
        }
        drain_exactly(&collecting, 603);
        finish(&collecting, 1);

        const struct live_recording *live = &collecting.live;
        tallies[run] = live->recording.subjects[0]->tally;
        assert_int_equal(live->recording.subjects[0]->leaked_count, 3);
        assert_int_equal(live_recording_number(live, "SELECT count(*) FROM block"),
                         run == 1 ? 3 : 303);
        assert_int_equal(live_recording_number(live, "SELECT sum(size_bytes) FROM allocation"
                                                     " WHERE died_ns IS NULL"),
                         21);
        assert_int_equal(live_recording_number(live, "SELECT max(id) FROM block"),
                         run == 1 ? 3 : 303);
        end(&collecting);
    }
    assert_int_equal(tallies[0].allocation_count, tallies[1].allocation_count);
    assert_int_equal(tallies[0].allocated_bytes, tallies[1].allocated_bytes);
    assert_int_equal(tallies[0].free_count, tallies[1].free_count);
    assert_int_equal(tallies[0].peak_bytes, tallies[1].peak_bytes);
    assert_int_equal(tallies[0].peak_count, tallies[1].peak_count);
}

static void drain_round_busy_lane_holds_the_horizon_back(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    struct ring_writer slow = open_writer(&collecting, PID);
    struct ring_writer quick = open_writer(&collecting, PID + 1);
    ring_writer_alloc(&quick, ticks(&collecting), 0x1000, 8, 0);
    ring_writer_reserve(&slow, 16, ticks(&collecting));
    drain_exactly(&collecting, 1);

    /* slow has taken its stamp and is preempted; quick gets the same address and goes on */
    ring_writer_begin(&slow);
    uint64_t freed = ticks(&collecting);
    rest();
    ring_writer_alloc(&quick, ticks(&collecting), 0x1000, 16, 0);
    for (int i = 0; i < 20; i++) {
        rest();
        assert_int_equal(round_once(&collecting), 0);
    }
    const uint64_t words[] = {event_head(EVENT_FREE, 0, 0), 0x1000};
    ring_writer_publish(&slow, words, sizeof(words), freed);
    drain_exactly(&collecting, 2);
    finish(&collecting, 1);

    const struct live_recording *live = &collecting.live;
    assert_int_equal(
        live_recording_number(live, "SELECT size_bytes FROM allocation WHERE free_kind = 'free'"),
        8);
    assert_int_equal(
        live_recording_number(live, "SELECT size_bytes FROM allocation WHERE died_ns IS NULL"), 16);
    end(&collecting);
}

/* In the very first round nothing is known of a lane, so a busy one holds everything back. */
static void drain_round_lane_busy_at_the_first_look_holds_all_back(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    struct ring_writer slow = open_writer(&collecting, PID);
    struct ring_writer quick = open_writer(&collecting, PID + 1);
    ring_writer_reserve(&slow, 24, ticks(&collecting));
    ring_writer_begin(&slow);
    uint64_t born = ticks(&collecting);
    ring_writer_free(&quick, ticks(&collecting), 0x1000);
    rest();

    assert_int_equal(round_once(&collecting), 0);
    rest();
    assert_int_equal(round_once(&collecting), 0);
    const uint64_t words[] = {event_head(EVENT_ALLOC, 0, 0), 0x1000, 8};
    ring_writer_publish(&slow, words, sizeof(words), born);
    drain_exactly(&collecting, 2);
    finish(&collecting, 1);

    assert_int_equal(collecting.live.recording.subjects[0]->unpaired_free_count, 0);
    assert_int_equal(collecting.live.recording.subjects[0]->tally.free_count, 1);
    end(&collecting);
}

static void drain_round_stuck_lane_is_passed_after_a_while(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    collecting.drain.slack_ticks = clock_span_ticks(&collecting.live.recording.clock, 20000);
    collecting.drain.stuck_ticks = clock_span_ticks(&collecting.live.recording.clock, 20000000);
    struct ring_writer stuck = open_writer(&collecting, PID);
    struct ring_writer quick = open_writer(&collecting, PID + 1);
    ring_writer_reserve(&stuck, 16, ticks(&collecting));
    round_once(&collecting);
    ring_writer_begin(&stuck); /* its hook was left by longjmp */
    ring_writer_alloc(&quick, ticks(&collecting), 0x1000, 8, 0);
    rest();
    assert_int_equal(round_once(&collecting), 0);

    uint64_t start_ns = clock_monotonic_ns();
    drain_exactly(&collecting, 1);
    uint64_t waited_ns = clock_monotonic_ns() - start_ns;

    assert_true(waited_ns >= 15000000);
    const uint64_t words[] = {event_head(EVENT_FREE, 0, 0), 0x1000};
    ring_writer_publish(&stuck, words, sizeof(words), ticks(&collecting));
    drain_exactly(&collecting, 1); /* and if it comes back it is read again */
    finish(&collecting, 1);
    assert_int_equal(collecting.live.recording.subjects[0]->tally.free_count, 1);
    end(&collecting);
}

static void drain_round_closed_lane_is_given_to_the_next_thread(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    for (uint32_t i = 0; i < 40; i++) { /* more threads than chunks, one after the other */
        struct ring_writer writer = open_writer(&collecting, PID + i);
        assert_int_equal(writer.lane, 0);
        ring_writer_alloc(&writer, ticks(&collecting), 0x1000 + 16 * i, 8, 0);
        assert_int_equal(writer.wait_count, 0);
        ring_writer_close(&writer);
        drain_exactly(&collecting, 1);
        assert_int_equal(collecting.drain.reader_count, 0);
    }

    const struct subject *subject = collecting.live.recording.subjects[0];
    assert_int_equal(subject->thread_count, 40);
    assert_int_equal(subject->tally.allocation_count, 40);
    assert_true(drain_is_done(&collecting.drain, subject));
    end(&collecting);
}

static void drain_round_nested_lane_belongs_to_its_thread(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    struct ring_writer thread = open_writer(&collecting, PID);
    struct ring_writer handler = open_writer(&collecting, PID);
    ring_writer_alloc(&thread, ticks(&collecting), 0x1000, 8, 0);
    ring_writer_free(&handler, ticks(&collecting), 0x1000);

    drain_exactly(&collecting, 2);

    const struct subject *subject = collecting.live.recording.subjects[0];
    assert_int_equal(subject->thread_count, 1);
    assert_int_equal(subject->threads[0].free_count, 1);
    assert_int_equal(subject->threads[0].remote_free_count, 0);
    end(&collecting);
}

static void drain_process_ended_unfinished_event_is_dropped(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    struct ring_writer writer = open_writer(&collecting, PID);
    ring_writer_alloc(&writer, ticks(&collecting), 0x1000, 8, 0);
    ring_writer_begin(&writer); /* killed in the middle of a hook */

    finish(&collecting, 1);

    assert_int_equal(collecting.live.recording.subjects[0]->leaked_count, 1);
    assert_int_equal(live_recording_number(&collecting.live,
                                           "SELECT count(*) FROM block WHERE lifetime_ns IS"
                                           " NULL"),
                     1);
    end(&collecting);
}

static void drain_round_damaged_lane_ends_and_others_go_on(void **state)
{
    (void)state;
    struct collecting collecting;
    begin(&collecting, CHUNKS_LEAST);
    struct ring_writer bad = open_writer(&collecting, PID);
    struct ring_writer good = open_writer(&collecting, PID + 1);
    ring_writer_alloc(&bad, ticks(&collecting), 0x1000, 8, 0);
    ring_writer_alloc(&bad, ticks(&collecting), 0x2000, 8, 0);
    bad.chunk->words[3] = UINT64_MAX;
    ring_writer_alloc(&good, ticks(&collecting), 0x3000, 8, 0);

    drain_exactly(&collecting, 2);

    assert_int_equal(collecting.drain.reader_count, 1);
    assert_int_equal(collecting.live.recording.subjects[0]->lost_event_count, 1);
    ring_writer_free(&good, ticks(&collecting), 0x1000);
    drain_exactly(&collecting, 1);
    finish(&collecting, 1);
    assert_int_equal(collecting.live.recording.subjects[0]->tally.free_count, 1);
    end(&collecting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drain_round_without_lanes_does_nothing),
        cmocka_unit_test(drain_round_lanes_are_merged_by_their_stamps),
        cmocka_unit_test(drain_round_sites_only_keeps_figures_and_live_rows),
        cmocka_unit_test(drain_round_busy_lane_holds_the_horizon_back),
        cmocka_unit_test(drain_round_lane_busy_at_the_first_look_holds_all_back),
        cmocka_unit_test(drain_round_stuck_lane_is_passed_after_a_while),
        cmocka_unit_test(drain_round_closed_lane_is_given_to_the_next_thread),
        cmocka_unit_test(drain_round_nested_lane_belongs_to_its_thread),
        cmocka_unit_test(drain_process_ended_unfinished_event_is_dropped),
        cmocka_unit_test(drain_round_damaged_lane_ends_and_others_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
