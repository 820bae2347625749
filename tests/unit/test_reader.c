#include "../../analyzer/collect/drain/reader.h"

#include <stdlib.h>

#include "live_recording.h"
#include "ring_writer.h"

enum {
    STUCK = 1000000,
    CHUNK_WORD_BYTES = sizeof(((struct chunk *)NULL)->words),
};

struct lane_fixture {
    struct session session;
    struct live_recording live;
    struct ring_writer writer;
    struct reader reader;
};

static void begin(struct lane_fixture *fixture)
{
    const struct session_settings settings = {
        .clock = RING_CLOCK_MONOTONIC, .max_bytes = ring_bytes(16), .fallback_directory = "/tmp"};
    struct err err = {{0}};
    struct subject *subject;
    if (session_create(&fixture->session, &settings, &err) < 0) {
        fail_msg("%s", err.text);
    }
    live_recording_begin(&fixture->live, RING_CLOCK_MONOTONIC);
    struct ring_header *ring = fixture->session.ring;
    assert_true(ring_writer_open(&fixture->writer, ring, 1, 100, 100));
    assert_int_equal(recording_subject(&fixture->live.recording, 1, 100, 0, &subject), 0);
    fixture->reader = (struct reader){
        .lane = ring_lane(ring, fixture->writer.lane),
        .next_ticks = UINT64_MAX,
        .context.subject = subject,
    };
    assert_int_equal(subject_open_thread(subject, 100, 0, &fixture->reader.context.thread), 0);
}

static void end(struct lane_fixture *fixture)
{
    free(fixture->reader.context.sites);
    live_recording_end(&fixture->live);
    session_destroy(&fixture->session);
}

static void look(struct lane_fixture *fixture, uint64_t now, uint64_t previous)
{
    reader_look(&fixture->reader, &fixture->session, now, previous, STUCK);
}

/* Takes the next event, which must be stamped `ticks`; its second word. */
static uint64_t take(struct lane_fixture *fixture, uint64_t ticks)
{
    assert_int_equal(fixture->reader.next_ticks, ticks);
    const uint64_t *words = reader_peek(&fixture->reader);
    assert_non_null(words);
    uint64_t address = words[1];
    reader_skip(&fixture->reader, &fixture->session);
    return address;
}

static uint32_t count_free_chunks(struct ring_header *ring)
{
    uint32_t count = 0;
    for (uint32_t number = (uint32_t)atomic_load(&ring->free_chunks); number != RING_NO_CHUNK;
         number = atomic_load(&ring_chunk(ring, number)->next)) {
        assert_in_range(++count, 1, 1000);
    }
    return count;
}

static void reader_look_lane_without_chunk_has_nothing(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);

    look(&fixture, 10, 5);

    assert_int_equal(fixture.reader.next_ticks, UINT64_MAX);
    assert_int_equal(fixture.reader.bound_ticks, 10);
    assert_false(reader_is_done(&fixture.reader));
    end(&fixture);
}

static void reader_peek_gives_events_in_order(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_alloc(&fixture.writer, 100, 0x1000, 8, 0);
    ring_writer_free(&fixture.writer, 107, 0x1000);
    ring_writer_free(&fixture.writer, 108, 0x2000);

    look(&fixture, 200, 0);

    assert_int_equal(take(&fixture, 100), 0x1000);
    assert_int_equal(take(&fixture, 107), 0x1000);
    assert_int_equal(take(&fixture, 108), 0x2000);
    assert_int_equal(fixture.reader.next_ticks, UINT64_MAX);
    end(&fixture);
}

static void reader_skip_at_the_end_of_a_chunk_goes_on_and_gives_it_back(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    const uint64_t count = 3 * (CHUNK_WORD_BYTES / 16) + 7; /* four chunks */
    for (uint64_t i = 0; i < count; i++) {
        ring_writer_free(&fixture.writer, 1000 + i, i);
    }
    uint32_t free_before = count_free_chunks(fixture.session.ring);

    look(&fixture, 1000 + count, 0);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(take(&fixture, 1000 + i), i);
    }

    assert_int_equal(fixture.reader.next_ticks, UINT64_MAX);
    assert_int_equal(count_free_chunks(fixture.session.ring), free_before + 3);
    end(&fixture);
}

static void reader_look_busy_lane_is_bounded_by_when_it_was_seen_at_rest(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    look(&fixture, 20, 10);
    assert_int_equal(fixture.reader.bound_ticks, 20);

    ring_writer_begin(&fixture.writer); /* stamped 25, say */
    look(&fixture, 30, 20);
    assert_int_equal(fixture.reader.bound_ticks, 20);
    look(&fixture, 40, 30);
    assert_int_equal(fixture.reader.bound_ticks, 20); /* still the same hook */

    const uint64_t words[] = {event_head(EVENT_FREE, 0, 0), 2};
    ring_writer_publish(&fixture.writer, words, sizeof(words), 25);
    ring_writer_begin(&fixture.writer); /* and the next one: stamped after the look at 40 */
    look(&fixture, 50, 40);

    assert_int_equal(fixture.reader.bound_ticks, 40);
    assert_int_equal(take(&fixture, 10), 1);
    assert_int_equal(take(&fixture, 25), 2);
    end(&fixture);
}

static void reader_look_busy_in_a_new_chunk_is_a_new_hook(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_refill(&fixture.writer, 1);
    ring_writer_begin(&fixture.writer);
    look(&fixture, 20, 10);
    assert_int_equal(fixture.reader.bound_ticks, 10);

    const uint64_t words[] = {event_head(EVENT_FREE, 0, 0), 2};
    ring_writer_publish(&fixture.writer, words, sizeof(words), 15);
    ring_writer_refill(&fixture.writer, 25);
    ring_writer_begin(&fixture.writer); /* the word is the same as in the old chunk then */
    look(&fixture, 30, 20);

    assert_int_equal(fixture.reader.bound_ticks, 20);
    end(&fixture);
}

static void reader_look_stuck_lane_holds_nothing_back(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_refill(&fixture.writer, 1);
    ring_writer_begin(&fixture.writer);

    look(&fixture, 20, 10);
    look(&fixture, 20 + STUCK, 20);
    assert_int_equal(fixture.reader.bound_ticks, 10);
    look(&fixture, 21 + STUCK, 20 + STUCK);

    assert_int_equal(fixture.reader.bound_ticks, 21 + STUCK);
    end(&fixture);
}

static void reader_look_ended_process_holds_nothing_back(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_free(&fixture.writer, 5, 1);
    ring_writer_begin(&fixture.writer);
    fixture.reader.is_ended = true;

    look(&fixture, 20, 10);

    assert_int_equal(fixture.reader.bound_ticks, 20);
    assert_false(reader_is_done(&fixture.reader));
    assert_int_equal(take(&fixture, 5), 1);
    assert_true(reader_is_done(&fixture.reader));
    end(&fixture);
}

/* The stamp of a late event is raised to that of the one before: within a lane time never goes
 * back. */
static void reader_peek_stamps_grow(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_refill(&fixture.writer, 100);
    ring_writer_free(&fixture.writer, 130, 1);
    ring_writer_free(&fixture.writer, 120, 2);

    look(&fixture, 200, 0);

    assert_int_equal(take(&fixture, 130), 1);
    assert_int_equal(take(&fixture, 130 + READER_TICKS_APART), 2);
    end(&fixture);
}

/* Between the look and this question the thread wrote on and ended: what it wrote is not read yet.
 */
static void reader_is_done_lane_closed_after_the_look_is_not_done(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    look(&fixture, 20, 0);
    assert_int_equal(take(&fixture, 10), 1);

    ring_writer_free(&fixture.writer, 21, 2);
    ring_writer_close(&fixture.writer);

    assert_false(reader_is_done(&fixture.reader));
    look(&fixture, 30, 20);
    assert_int_equal(take(&fixture, 21), 2);
    assert_true(reader_is_done(&fixture.reader));
    end(&fixture);
}

/*
 * The chunk in which the writer was at the look is read to its end, and a further one has been
 * linked meanwhile. The old chunk may then serve another lane: the next look must not start from
 * it.
 */
static void reader_look_after_the_writer_moved_on_follows_its_own_lane(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    struct ring_writer other;
    begin(&fixture);
    const uint64_t full = CHUNK_WORD_BYTES / 16;
    for (uint64_t i = 0; i < full; i++) {
        ring_writer_free(&fixture.writer, 10 + i, i);
    }
    uint64_t now = 10 + full;
    look(&fixture, now, 0);
    ring_writer_free(&fixture.writer, now + 1, 77); /* takes a fresh chunk */
    for (uint64_t i = 0; i < full; i++) {
        assert_int_equal(take(&fixture, 10 + i), i);
    }
    assert_true(ring_writer_open(&other, fixture.session.ring, 1, 100, 101));
    for (int i = 0; i < 30; i++) { /* perhaps in the chunk that was given back */
        ring_writer_refill(&other, now);
        if (count_free_chunks(fixture.session.ring) == 0) {
            break;
        }
    }
    ring_writer_begin(&other);

    look(&fixture, now + 10, now);
    assert_int_equal(fixture.reader.tail_chunk, fixture.writer.chunk_number);
    assert_int_equal(fixture.reader.bound_ticks, now + 10); /* it is the other one that is busy */
    ring_writer_begin(&fixture.writer);
    look(&fixture, now + 20, now + 10);

    assert_int_equal(fixture.reader.bound_ticks, now + 10);
    assert_int_equal(take(&fixture, now + 1), 77);
    end(&fixture);
}

static void check_damaged(struct lane_fixture *fixture)
{
    uint64_t lost_count = fixture->reader.context.subject->lost_event_count;
    look(fixture, 1000, 500);
    if (!fixture->reader.is_damaged) {
        assert_null(reader_peek(&fixture->reader));
    }

    assert_true(fixture->reader.is_damaged);
    assert_int_equal(fixture->reader.next_ticks, UINT64_MAX);
    assert_true(reader_is_done(&fixture->reader));
    assert_int_equal(fixture->reader.context.subject->lost_event_count, lost_count + 1);
    look(fixture, 2000, 1000);
    assert_int_equal(fixture->reader.bound_ticks, 2000);
    end(fixture);
}

static void reader_look_impossible_chunk_numbers_end_the_lane(void **state)
{
    (void)state;
    const uint32_t numbers[] = {17, 100000, UINT32_MAX};
    struct lane_fixture fixture;
    for (size_t i = 0; i < 3; i++) {
        begin(&fixture);
        atomic_store(&fixture.reader.lane->first_chunk, numbers[i]);
        check_damaged(&fixture);

        begin(&fixture);
        ring_writer_free(&fixture.writer, 10, 1);
        atomic_store(&fixture.writer.chunk->next, numbers[i]);
        check_damaged(&fixture);
    }
}

static void reader_look_chain_in_a_circle_ends_the_lane(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    atomic_store(&fixture.writer.chunk->next, fixture.writer.chunk_number);
    check_damaged(&fixture);

    begin(&fixture);
    ring_writer_refill(&fixture.writer, 10); /* three empty chunks */
    uint32_t first = fixture.writer.chunk_number;
    ring_writer_refill(&fixture.writer, 10);
    ring_writer_refill(&fixture.writer, 10);
    atomic_store(&fixture.writer.chunk->next, first);
    check_damaged(&fixture);
}

static void reader_look_impossible_length_ends_the_lane(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    atomic_store(&fixture.writer.chunk->published, CHUNK_WORD_BYTES + 2);
    check_damaged(&fixture);
}

static void reader_peek_garbage_ends_the_lane(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    fixture.writer.chunk->words[0] = 0;
    check_damaged(&fixture);

    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    atomic_store(&fixture.writer.chunk->published, 14); /* half a word */
    check_damaged(&fixture);
}

/* A stamp that is far ahead of the clock would otherwise be waited for until the end of time. */
static void reader_look_stamp_in_the_future_ends_the_lane(void **state)
{
    (void)state;
    struct lane_fixture fixture;
    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    fixture.writer.chunk->base_ticks = UINT64_C(1) << 60;
    check_damaged(&fixture);

    begin(&fixture);
    ring_writer_free(&fixture.writer, 10, 1);
    fixture.writer.chunk->base_ticks = 1000 + STUCK; /* of another processor, a little ahead */
    look(&fixture, 1000, 500);
    assert_false(fixture.reader.is_damaged);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_look_lane_without_chunk_has_nothing),
        cmocka_unit_test(reader_peek_gives_events_in_order),
        cmocka_unit_test(reader_skip_at_the_end_of_a_chunk_goes_on_and_gives_it_back),
        cmocka_unit_test(reader_look_busy_lane_is_bounded_by_when_it_was_seen_at_rest),
        cmocka_unit_test(reader_look_busy_in_a_new_chunk_is_a_new_hook),
        cmocka_unit_test(reader_look_stuck_lane_holds_nothing_back),
        cmocka_unit_test(reader_look_ended_process_holds_nothing_back),
        cmocka_unit_test(reader_peek_stamps_grow),
        cmocka_unit_test(reader_is_done_lane_closed_after_the_look_is_not_done),
        cmocka_unit_test(reader_look_after_the_writer_moved_on_follows_its_own_lane),
        cmocka_unit_test(reader_look_impossible_chunk_numbers_end_the_lane),
        cmocka_unit_test(reader_look_chain_in_a_circle_ends_the_lane),
        cmocka_unit_test(reader_look_impossible_length_ends_the_lane),
        cmocka_unit_test(reader_peek_garbage_ends_the_lane),
        cmocka_unit_test(reader_look_stamp_in_the_future_ends_the_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
