/*
 * blocks_fixture.h - for tests of blocks and mappings: a process with two threads, whose blocks
 * come and go by hand, and what must agree once its recording is sealed. Failures end the test.
 */
#ifndef ALLOCAUDIT_BLOCKS_FIXTURE_H
#define ALLOCAUDIT_BLOCKS_FIXTURE_H

#include "../../analyzer/collect/recording/blocks.h"

#include "live_recording.h"

struct blocks_fixture {
    struct live_recording live;
    struct subject *subject;
    uint32_t site;
};

/* A process with two threads (index 0 and 1) and one site. */
static inline void begin(struct blocks_fixture *fixture)
{
    live_recording_begin(&fixture->live, RING_CLOCK_MONOTONIC);
    struct recording *recording = &fixture->live.recording;
    uint32_t thread;
    assert_int_equal(recording_subject(recording, 1, 4000000, 0, &fixture->subject), 0);
    assert_int_equal(subject_open_thread(fixture->subject, 10, 0, &thread), 0);
    assert_int_equal(subject_open_thread(fixture->subject, 11, 0, &thread), 0);
    assert_int_equal(tally_site(&fixture->subject->tally, 1, &fixture->site), 0);
}

static inline void end(struct blocks_fixture *fixture)
{
    live_recording_end(&fixture->live);
}

static inline void add_kind(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address,
                            uint64_t size_bytes, uint32_t thread, enum alloc_kind kind)
{
    struct block *slot = live_reserve(&fixture->subject->live);
    assert_non_null(slot);
    uint32_t next = slot->next;
    *slot = (struct block){
        .born_ns = now_ns,
        .size_bytes = size_bytes,
        .site = fixture->site,
        .thread = thread,
        .kind = (uint8_t)kind,
        .next = next,
    };
    struct err err = {{0}};
    assert_int_equal(blocks_add(fixture->subject, slot, address, false, 0, &err), 0);
}

static inline void add(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address,
                       uint64_t size_bytes, uint32_t thread)
{
    add_kind(fixture, now_ns, address, size_bytes, thread, ALLOC_KIND_MALLOC);
}

/* Gives the block that was freed; its address is 0 if there was none yet. */
static inline struct block drop(struct blocks_fixture *fixture, uint64_t now_ns, uint64_t address,
                                uint32_t by)
{
    struct death death = {.died_ns = now_ns};
    struct block block;
    uint64_t id;
    struct err err = {{0}};
    assert_int_equal(
        blocks_free(fixture->subject, address, FREE_KIND_FREE, by, &death, &block, &id, &err), 0);
    return block;
}

static inline int64_t number(const struct blocks_fixture *fixture, const char *sql)
{
    return live_recording_number(&fixture->live, sql);
}

static inline int64_t count_rows(const struct blocks_fixture *fixture, const char *condition)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM allocation WHERE %s", condition);
    return number(fixture, sql);
}

/* What must agree in every recording. */
static inline void check_totals(const struct blocks_fixture *fixture)
{
    const struct subject *subject = fixture->subject;
    uint64_t freed_count = 0;
    uint64_t allocated_count = 0;
    for (size_t i = 0; i < subject->thread_count; i++) {
        freed_count += subject->threads[i].free_count;
        allocated_count += subject->threads[i].allocation_count;
    }
    assert_int_equal(allocated_count, subject->tally.allocation_count);
    assert_int_equal(freed_count, subject->tally.free_count + subject->unpaired_free_count +
                                      subject->inherited_free_count);
    assert_int_equal(subject->tally.allocation_count,
                     subject->tally.free_count + subject->leaked_count);
    assert_int_equal(subject->leaked_bytes, subject->tally.live_bytes);
    assert_int_equal(number(fixture, "SELECT count(*) FROM block"),
                     subject->tally.allocation_count);
    assert_int_equal(number(fixture, "SELECT ifnull(sum(size_bytes), 0) FROM block"),
                     subject->tally.allocated_bytes);
    assert_int_equal(count_rows(fixture, "died_ns IS NULL"), subject->leaked_count);
    assert_int_equal(fixture->live.recording.live_bytes, 0);
}

static inline void seal(struct blocks_fixture *fixture)
{
    live_recording_seal(&fixture->live);
    check_totals(fixture);
}

#endif
