/*
 * draining.h - for tests of the collector: a ring that the test writes, and the collector that
 * drains it into a recording. Failures end the test.
 */
#ifndef ALLOCAUDIT_DRAINING_H
#define ALLOCAUDIT_DRAINING_H

#include <time.h>

#include "../../analyzer/collect/drain/drain.h"

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

static inline void begin(struct collecting *collecting, uint32_t chunk_count)
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

static inline void end(struct collecting *collecting)
{
    drain_fini(&collecting->drain);
    live_recording_end(&collecting->live);
    session_destroy(&collecting->session);
}

static inline uint64_t ticks(const struct collecting *collecting)
{
    return clock_ticks(&collecting->live.recording.clock);
}

static inline int64_t round_once(struct collecting *collecting)
{
    struct err err = {{0}};
    int64_t applied = drain_round(&collecting->drain, false, &err);
    if (applied < 0) {
        fail_msg("%s", err.text);
    }
    return applied;
}

/* Long enough for what was published to lie before the horizon. */
static inline void rest(void)
{
    struct timespec pause = {.tv_nsec = 200000};
    nanosleep(&pause, NULL);
}

/* Rounds until `count` events were applied; no more may come. */
static inline void drain_exactly(struct collecting *collecting, int64_t count)
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

static inline struct ring_writer open_writer(struct collecting *collecting, uint32_t tid)
{
    struct ring_writer writer;
    assert_true(ring_writer_open(&writer, collecting->session.ring, 1, PID, tid));
    return writer;
}

/* The process has ended: everything is drained, all rows are written. */
static inline void finish(struct collecting *collecting, uint32_t key)
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

#endif
