/*
 * Whatever stands in the ring, draining it comes to an end, without touching memory that is not its
 * own: run under the sanitizers. The damage is random, and the same every time.
 */
#include "../../analyzer/collect/drain/drain.h"

#include <stdlib.h>

#include "live_recording.h"
#include "ring_writer.h"

enum {
    ROUNDS = 20000,
    ROUNDS_PER_DATABASE = 2000,
    CHUNKS = 16,
    LANES = 4,
    PID = 4000000,
};

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint32_t pick(uint32_t count)
{
    return (uint32_t)((next_random() >> 32) % count);
}

/* Values that stand at some border, or none. */
static uint64_t any_number(void)
{
    static const uint64_t borders[] = {0,
                                       1,
                                       2,
                                       CHUNKS,
                                       CHUNKS + 1,
                                       RING_CHUNK_BYTES - 16,
                                       RING_CHUNK_BYTES - 15,
                                       RING_CHUNK_BYTES,
                                       INT32_MAX,
                                       UINT32_MAX,
                                       UINT64_C(1) << 40,
                                       UINT64_C(1) << 47,
                                       INT64_MAX,
                                       UINT64_MAX};
    uint64_t number = borders[pick(sizeof(borders) / sizeof(borders[0]))];
    switch (pick(4)) {
    case 0:
        return number;
    case 1:
        return pick(CHUNKS + 2);
    case 2:
        return number + pick(64) - 32;
    default:
        return next_random() >> pick(64);
    }
}

/* As if the ring had just been made. */
static void reset_ring(struct session *session)
{
    struct ring_header *ring = session->ring;
    for (uint32_t i = 0; i < 2 * LANES; i++) {
        memset(ring_lane(ring, i), 0, sizeof(struct lane));
    }
    atomic_store(&ring->lane_high, 0);
    atomic_store(&ring->free_chunks, 0);
    for (uint32_t number = CHUNKS; number >= 1; number--) {
        struct chunk *chunk = ring_chunk(ring, number);
        memset(chunk, 0, 1024);
        ring_give_chunk(ring, number);
    }
}

static void put_long_record(struct ring_writer *writer, uint64_t now)
{
    uint64_t words[64] = {0};
    unsigned tags[] = {EVENT_STACK, EVENT_MODULE,  EVENT_PROCESS,   EVENT_MARK,
                       EVENT_LOST,  EVENT_COUNTER, EVENT_ALLOCATOR, EVENT_REPORT};
    words[0] = event_head(tags[pick(8)], 0, 0);
    for (size_t i = 1; i < 64; i++) {
        words[i] = next_random() & UINT64_C(0x0000000f00ff000f);
    }
    size_t bytes = event_bytes(words, sizeof(words));
    if (bytes != 0) {
        ring_writer_put(writer, words, bytes, now);
    }
}

/* Any kind of allocation, free or failure over few addresses. */
static void put_short_record(struct ring_writer *writer, uint64_t now)
{
    uint64_t words[5] = {0};
    unsigned firsts[] = {EVENT_ALLOC,  EVENT_ALLOC_WIDE,   EVENT_FREE,       EVENT_FREE_WIDE,
                         EVENT_FAILED, EVENT_PAUSED_ALLOC, EVENT_PAUSED_FREE};
    unsigned tag = pick(16) == 0 ? EVENT_FREE_TIME : firsts[pick(7)] + pick(FREE_KIND_COUNT);
    words[0] = event_head(tag, pick(2) * pick(65536), 0);
    words[1] = 0x10000 + 0x1000 * (uint64_t)pick(16);
    words[2] = 0x800 * (uint64_t)pick(16) | (uint64_t)pick(8) << 32;
    words[3] = 0x10000;
    words[4] = (uint64_t)pick(8) << 32 | 1u << pick(8);
    ring_writer_put(writer, words, event_bytes(words, sizeof(words)), now);
}

static void write_lanes(struct session *session, struct ring_writer *writers, uint64_t now)
{
    for (uint32_t i = 0; i < LANES; i++) {
        assert_true(ring_writer_open(&writers[i], session->ring, 1 + i / 2, PID + i / 2, PID + i));
        uint32_t count = 4 + pick(24);
        for (uint32_t j = 0; j < count; j++) {
            if (pick(8) == 0) {
                put_long_record(&writers[i], now - 40000);
            } else {
                put_short_record(&writers[i], now - 40000);
            }
            if (pick(32) == 0 && writers[i].chunk != NULL && writers[i].chunk_number < CHUNKS - 6) {
                ring_writer_refill(&writers[i], now - 40000);
            }
        }
        if (pick(4) == 0 && writers[i].chunk != NULL) {
            ring_writer_begin(&writers[i]);
        }
    }
}

static void damage(struct session *session)
{
    struct ring_header *ring = session->ring;
    struct chunk *chunk = ring_chunk(ring, 1 + pick(CHUNKS));
    struct lane *lane = ring_lane(ring, pick(LANES));
    switch (pick(10)) {
    case 0:
        atomic_store(&chunk->next, (uint32_t)any_number());
        break;
    case 1:
        atomic_store(&chunk->published, (uint32_t)any_number());
        break;
    case 2:
        chunk->base_ticks = any_number();
        break;
    case 3:
        atomic_store(&lane->first_chunk, (uint32_t)any_number());
        break;
    case 4:
        atomic_store(&lane->state, pick(6));
        break;
    case 5:
        atomic_store(&ring->lane_high, (uint32_t)any_number());
        break;
    case 6:
        lane->process_key = pick(5);
        lane->tid = (uint32_t)any_number();
        break;
    default:
        chunk->words[pick(64)] ^= UINT64_C(1) << pick(64);
        chunk->words[pick(64)] = any_number();
        break;
    }
}

static void drain_all(struct drain *drain)
{
    struct err err = {{0}};
    for (int turn = 0; turn < 6; turn++) {
        if (drain_round(drain, false, &err) < 0) {
            fail_msg("%s", err.text);
        }
        for (uint32_t key = 0; turn == 2 && key < 8; key++) {
            drain_process_ended(drain, key);
        }
    }
}

/* What the tally says must agree with itself, whatever the events were. */
static void check_subject(const struct subject *subject)
{
    uint64_t live_count = 0;
    uint64_t peak_bytes = 0;
    for (size_t i = 0; i < subject->tally.site_count; i++) {
        live_count += subject->tally.sites[i].live_count;
        peak_bytes += subject->tally.sites[i].peak_bytes;
    }
    assert_int_equal(live_count, subject->tally.live_count);
    assert_int_equal(subject->leaked_count, subject->tally.live_count);
    assert_int_equal(subject->tally.allocation_count,
                     subject->tally.free_count + subject->leaked_count);
    assert_int_equal(peak_bytes, subject->tally.peak_bytes);
}

static void restart_recording(struct live_recording *live)
{
    struct rowpack *rows = live->recording.rows;
    struct clock clock = live->recording.clock;
    recording_fini(&live->recording);
    live->recording.clock = clock;
    assert_int_equal(recording_init(&live->recording, rows), 0);
}

static uint64_t damage_once(struct session *session, struct live_recording *live)
{
    struct ring_writer writers[LANES];
    struct drain drain;
    struct err err = {{0}};
    reset_ring(session);
    assert_int_equal(drain_init(&drain, session, &live->recording), 0);
    write_lanes(session, writers, clock_ticks(&live->recording.clock));
    bool is_early = pick(2) == 0;
    for (uint32_t i = 1 + pick(4); is_early && i > 0; i--) {
        damage(session);
    }
    drain_all(&drain);
    for (uint32_t i = 1 + pick(4); !is_early && i > 0; i--) {
        damage(session);
    }
    drain_all(&drain);
    uint64_t lost_count = 0;
    for (size_t i = 0; i < live->recording.subject_count; i++) {
        struct subject *subject = live->recording.subjects[i];
        assert_int_equal(subject_finish(subject, &err), 0);
        check_subject(subject);
        lost_count += subject->lost_event_count != 0;
    }
    assert_int_equal(live->recording.live_bytes, 0);
    drain_fini(&drain);
    return lost_count;
}

static void drain_round_random_damage_comes_to_an_end(void **state)
{
    (void)state;
    const struct session_settings settings = {
        .clock = 0, .max_bytes = ring_bytes(CHUNKS), .fallback_directory = "/tmp"};
    struct err err = {{0}};
    struct session session;
    if (session_create(&session, &settings, &err) < 0) {
        fail_msg("%s", err.text);
    }
    struct live_recording live;
    uint64_t damaged_count = 0;
    for (int i = 0; i < ROUNDS; i++) {
        if (i % ROUNDS_PER_DATABASE == 0) {
            live_recording_begin(&live, 0);
        }
        random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(i + 1);
        damaged_count += damage_once(&session, &live);
        restart_recording(&live);
        if ((i + 1) % ROUNDS_PER_DATABASE == 0) {
            live_recording_seal(&live);
            assert_true(live_recording_number(&live, "SELECT count(*) FROM block") > 0);
            live_recording_end(&live);
        }
    }
    assert_in_range(damaged_count, ROUNDS / 20, 8 * ROUNDS); /* or nothing was damaged */
    session_destroy(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drain_round_random_damage_comes_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
