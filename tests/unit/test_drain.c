#include "../../analyzer/collect/drain.h"

#include <pthread.h>
#include <time.h>

#include "live_recording.h"
#include "ring_writer.h"

enum {
    CHUNKS_LEAST = 16,
    PID = 4000000, /* no process of the machine's */
};

struct collecting {
    struct session session;
    struct live_recording live;
    struct drain drain;
};

static void begin(struct collecting *collecting, uint32_t chunk_count)
{
    struct err err = {{0}};
    live_recording_begin(&collecting->live, 0);
    const struct session_settings settings = {
        .clock = collecting->live.recording.clock.kind,
        .max_bytes = ring_bytes(chunk_count),
        .fallback_directory = "/tmp",
    };
    if (session_create(&collecting->session, &settings, &err) < 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(
        drain_init(&collecting->drain, &collecting->session, &collecting->live.recording), 0);
}

static void end(struct collecting *collecting)
{
    drain_fini(&collecting->drain);
    live_recording_end(&collecting->live);
    session_destroy(&collecting->session);
}

static uint64_t ticks(const struct collecting *collecting)
{
    return clock_ticks(&collecting->live.recording.clock);
}

static int64_t round_once(struct collecting *collecting)
{
    struct err err = {{0}};
    int64_t applied = drain_round(&collecting->drain, false, &err);
    if (applied < 0) {
        fail_msg("%s", err.text);
    }
    return applied;
}

/* Long enough for what was published to lie before the horizon. */
static void rest(void)
{
    struct timespec pause = {.tv_nsec = 200000};
    nanosleep(&pause, NULL);
}

/* Rounds until `count` events were applied; no more may come. */
static void drain_exactly(struct collecting *collecting, int64_t count)
{
    int64_t applied = 0;
    for (int i = 0; i < 10000 && applied < count; i++) {
        applied += round_once(collecting);
        if (applied < count) {
            rest();
        }
    }
    rest();
    applied += round_once(collecting);
    assert_int_equal(applied, count);
}

static struct ring_writer open_writer(struct collecting *collecting, uint32_t tid)
{
    struct ring_writer writer;
    assert_true(ring_writer_open(&writer, collecting->session.ring, 1, PID, tid));
    return writer;
}

/* The process has ended: everything is drained, all rows are written. */
static void finish(struct collecting *collecting, uint32_t key)
{
    round_once(collecting);
    drain_process_ended(&collecting->drain, key);
    for (int i = 0; i < 1000 && collecting->drain.reader_count > 0; i++) {
        round_once(collecting);
        rest();
    }
    assert_int_equal(collecting->drain.reader_count, 0);
    live_recording_seal(&collecting->live);
}

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

/* ---- many threads ------------------------------------------------------------------------------
 */

enum {
    THREADS = 4,
    EVENTS_PER_THREAD = 30000,
    SLOTS = 48, /* addresses of the pretended allocator: few, so that they change hands at once */
};

/* A pretended allocator: a stack of free addresses, and what is live, for others to free. */
struct heap {
    pthread_mutex_t lock;
    uint32_t free_slots[SLOTS];
    uint32_t free_count;
    uint32_t live_slots[SLOTS];
    uint32_t live_count;
};

struct worker {
    struct collecting *collecting;
    struct heap *heap;
    struct ring_writer writer;
    uint32_t number;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
};

static bool pop(struct heap *heap, uint32_t *slots, uint32_t *count, uint32_t *out_slot)
{
    pthread_mutex_lock(&heap->lock);
    bool is_there = *count > 0;
    if (is_there) {
        *out_slot = slots[--*count];
    }
    pthread_mutex_unlock(&heap->lock);
    return is_there;
}

static void push(struct heap *heap, uint32_t *slots, uint32_t *count, uint32_t slot)
{
    pthread_mutex_lock(&heap->lock);
    slots[(*count)++] = slot;
    pthread_mutex_unlock(&heap->lock);
}

/* As the recorder does: stamped after the real allocation, and before the real free. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    struct heap *heap = worker->heap;
    struct ring_writer *writer = &worker->writer;
    uint32_t random = worker->number * 2654435761u + 1;
    for (int i = 0; i < EVENTS_PER_THREAD; i++) {
        uint32_t slot;
        uint64_t words[3] = {0};
        random = random * 1664525u + 1013904223u;
        ring_writer_reserve(writer, sizeof(words), ticks(worker->collecting));
        if (random >> 31 != 0 && pop(heap, heap->free_slots, &heap->free_count, &slot)) {
            words[0] = event_head(EVENT_ALLOC, 0, 0);
            words[1] = 0x10000 + 64 * (uint64_t)slot;
            words[2] = random >> 20;
            worker->allocation_count++;
            worker->allocated_bytes += words[2];
            ring_writer_begin(writer);
            ring_writer_publish(writer, words, 24, ticks(worker->collecting));
            push(heap, heap->live_slots, &heap->live_count, slot);
        } else if (pop(heap, heap->live_slots, &heap->live_count, &slot)) {
            words[0] = event_head(EVENT_FREE, 0, 0);
            words[1] = 0x10000 + 64 * (uint64_t)slot;
            worker->free_count++;
            ring_writer_begin(writer);
            ring_writer_publish(writer, words, 16, ticks(worker->collecting));
            push(heap, heap->free_slots, &heap->free_count, slot);
        }
    }
    ring_writer_close(writer);
    return NULL;
}

static void check_stress(const struct collecting *collecting, const struct worker *workers,
                         const struct heap *heap)
{
    const struct live_recording *live = &collecting->live;
    const struct subject *subject = live->recording.subjects[0];
    uint64_t allocation_count = 0;
    uint64_t allocated_bytes = 0;
    uint64_t free_count = 0;
    for (int i = 0; i < THREADS; i++) {
        const struct thread *thread = &subject->threads[i];
        const struct worker *worker = &workers[thread->tid - PID];
        assert_int_equal(thread->allocation_count, worker->allocation_count);
        assert_int_equal(thread->allocated_bytes, worker->allocated_bytes);
        assert_int_equal(thread->free_count, worker->free_count);
        allocation_count += worker->allocation_count;
        allocated_bytes += worker->allocated_bytes;
        free_count += worker->free_count;
    }
    assert_in_range(allocation_count, 1000, THREADS * EVENTS_PER_THREAD);
    assert_int_equal(subject->tally.allocation_count, allocation_count);
    assert_int_equal(subject->tally.allocated_bytes, allocated_bytes);
    assert_int_equal(subject->tally.free_count, free_count);
    assert_int_equal(subject->leaked_count, heap->live_count);
    assert_int_equal(subject->unpaired_free_count, 0);
    assert_int_equal(subject->lost_event_count, 0);
    assert_int_equal(live_recording_number(live, "SELECT count(*) FROM block"), allocation_count);
    assert_int_equal(live_recording_number(live, "SELECT sum(size_bytes) FROM block"),
                     allocated_bytes);
    assert_int_equal(
        live_recording_number(live, "SELECT count(*) FROM allocation WHERE free_kind = 'unseen'"),
        0);
    assert_int_equal(
        live_recording_number(
            live, "SELECT count(*) FROM (SELECT born_ns, lag(died_ns, 1, 0) OVER (PARTITION BY"
                  " address ORDER BY born_ns, died_ns) AS before_ns FROM allocation)"
                  " WHERE before_ns IS NULL OR before_ns > born_ns + 20000"),
        0); /* no two blocks of one address overlap in time, but for what two clocks differ by */
}

static void run_stress(uint32_t chunk_count, bool waits_for_writers)
{
    struct collecting collecting;
    struct heap heap = {.lock = PTHREAD_MUTEX_INITIALIZER, .free_count = SLOTS};
    struct worker workers[THREADS] = {{0}};
    pthread_t threads[THREADS];
    begin(&collecting, chunk_count);
    for (uint32_t i = 0; i < SLOTS; i++) {
        heap.free_slots[i] = i;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].collecting = &collecting;
        workers[i].heap = &heap;
        workers[i].number = i;
        workers[i].writer = open_writer(&collecting, PID + i);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    while (waits_for_writers && atomic_load(&collecting.session.ring->waiting_count) == 0) {
        rest(); /* they have filled the ring before anything is read */
    }
    int idle_rounds = 0;
    do {
        idle_rounds = round_once(&collecting) == 0 ? idle_rounds + 1 : 0;
        rest();
        assert_in_range(idle_rounds, 0, 20000);
    } while (collecting.drain.reader_count > 0 || collecting.live.recording.subject_count == 0);
    uint64_t wait_count = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        wait_count += workers[i].writer.wait_count;
    }
    assert_true(!waits_for_writers || wait_count > 0);
    finish(&collecting, 1);
    check_stress(&collecting, workers, &heap);
    end(&collecting);
}

static void drain_round_many_threads_give_exact_totals_in_order(void **state)
{
    (void)state;
    run_stress(256, false);
}

static void drain_round_tiny_ring_makes_writers_wait_and_loses_nothing(void **state)
{
    (void)state;
    run_stress(CHUNKS_LEAST, true);
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
        cmocka_unit_test(drain_round_many_threads_give_exact_totals_in_order),
        cmocka_unit_test(drain_round_tiny_ring_makes_writers_wait_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
