/*
 * counting_lane.h - for tests of counting: a thread's lane whose records are written by hand.
 */
#ifndef ALLOCAUDIT_COUNTING_LANE_H
#define ALLOCAUDIT_COUNTING_LANE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../interposer/counting.h"

struct lane_of_test {
    struct chunk *chunk;
    struct writer writer;
    struct counting *counting;
    struct measurement_state measured; /* for the test's own use */
};

static inline void enter_chunk(struct lane_of_test *lane)
{
    lane->chunk = calloc(1, sizeof(*lane->chunk));
    assert_non_null(lane->chunk);
    lane->writer.chunk = lane->chunk;
    lane->writer.cursor = lane->chunk->words;
}

/* Set-ups: *state is the thread's lane; with _start() it counts from the first record on. */
static inline int lane_of_test_make(void **state)
{
    struct lane_of_test *lane = calloc(1, sizeof(*lane));
    assert_non_null(lane);
    enter_chunk(lane);
    *state = lane;
    return 0;
}

static inline int lane_of_test_start(void **state)
{
    (void)lane_of_test_make(state);
    struct lane_of_test *lane = *state;
    return counting_start(&lane->counting, &lane->writer) ? 0 : -1;
}

static inline int lane_of_test_end(void **state)
{
    struct lane_of_test *lane = *state;
    free(lane->chunk);
    free(lane);
    return 0;
}

#define LANE_TEST(function)                                                                        \
    cmocka_unit_test_setup_teardown(function, lane_of_test_start, lane_of_test_end)

static inline void put_alloc(struct lane_of_test *lane, unsigned kind, uint64_t address,
                             uint64_t bytes)
{
    uint64_t *words = lane->writer.cursor;
    words[0] = event_head(EVENT_ALLOC + kind, 0, 1);
    words[1] = address | UINT64_C(8) << EVENT_ADDRESS_BITS;
    words[2] = UINT64_C(7) << 32 | bytes;
    lane->writer.cursor += 3;
}

static inline void put_free(struct lane_of_test *lane, unsigned kind, uint64_t address)
{
    uint64_t *words = lane->writer.cursor;
    words[0] = event_head(EVENT_FREE + kind, 0, 1);
    words[1] = address;
    lane->writer.cursor += 2;
}

#endif
