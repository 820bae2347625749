#include "../../analyzer/collect/recording/blocks.h"
#include "../../analyzer/collect/recording/faults.h"

#include "live_recording.h"

enum {
    ADDRESS = 0x5000,
    STACK = 7,
};

struct faults_fixture {
    struct live_recording live;
    struct subject *subject;
};

static void begin(struct faults_fixture *fixture, enum subject_start start)
{
    uint32_t thread;
    live_recording_begin(&fixture->live, RING_CLOCK_MONOTONIC);
    assert_int_equal(recording_subject(&fixture->live.recording, 1, 4000000, 0, &fixture->subject),
                     0);
    assert_int_equal(subject_open_thread(fixture->subject, 10, 0, &thread), 0);
    fixture->subject->start = start;
}

static const struct faults *faults_of(const struct faults_fixture *fixture)
{
    return &fixture->live.recording.faults;
}

/* What the library tells of a free that looks wrong. */
static void tell_call(struct faults_fixture *fixture, enum free_kind call, uint64_t address,
                      uint64_t at_ns)
{
    const uint64_t words[] = {event_head(EVENT_FAULT, 0, 0), address,
                              (uint64_t)call << 16 | FAULT_SUSPECT_FREE};
    assert_int_equal(faults_add_told(fixture->subject, words, 0, STACK, at_ns), 0);
}

static void tell(struct faults_fixture *fixture, uint64_t address, uint64_t at_ns)
{
    tell_call(fixture, FREE_KIND_FREE, address, at_ns);
}

static void free_nothing(struct faults_fixture *fixture, uint64_t address, uint64_t at_ns)
{
    assert_int_equal(faults_add_stranger(fixture->subject, address, FREE_KIND_FREE, 0, at_ns), 0);
}

static void faults_is_match_only_new_goes_with_delete(void **state)
{
    (void)state;
    assert_true(faults_is_match(ALLOC_KIND_MALLOC, FREE_KIND_FREE));
    assert_true(faults_is_match(ALLOC_KIND_MEMALIGN, FREE_KIND_REALLOC));
    assert_true(faults_is_match(ALLOC_KIND_NEW, FREE_KIND_DELETE));
    assert_true(faults_is_match(ALLOC_KIND_NEW_ARRAY, FREE_KIND_DELETE_ARRAY));
    assert_false(faults_is_match(ALLOC_KIND_NEW, FREE_KIND_FREE));
    assert_false(faults_is_match(ALLOC_KIND_NEW, FREE_KIND_DELETE_ARRAY));
    assert_false(faults_is_match(ALLOC_KIND_NEW_ARRAY, FREE_KIND_DELETE));
    assert_false(faults_is_match(ALLOC_KIND_MALLOC, FREE_KIND_DELETE));
    assert_false(faults_is_match(ALLOC_KIND_NEW, FREE_KIND_REALLOC));
}

static void faults_add_told_after_its_free_is_one_fault(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    begin(&fixture, SUBJECT_STARTED_BY_RUN);

    free_nothing(&fixture, ADDRESS, 1000);
    tell(&fixture, ADDRESS, 1500);

    assert_int_equal(faults_of(&fixture)->count, 1);
    assert_int_equal(faults_of(&fixture)->items[0].stack_id, STACK);
    live_recording_end(&fixture.live);
}

/* What the library tells of a call that may not fit how the block was made. */
static void tell_misfit(struct faults_fixture *fixture, uint64_t at_ns)
{
    const uint64_t words[] = {event_head(EVENT_FAULT, 0, 0), ADDRESS,
                              (uint64_t)FREE_KIND_FREE << 16 | FAULT_MISMATCHED_FREE};
    assert_int_equal(faults_add_told(fixture->subject, words, 0, STACK, at_ns), 0);
}

static void faults_add_told_misfit_gives_the_stack_of_its_free(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    uint32_t site;
    begin(&fixture, SUBJECT_STARTED_BY_RUN);
    assert_int_equal(tally_site(&fixture.subject->tally, 3, &site), 0);
    const struct block block = {.address = ADDRESS, .site = site, .kind = ALLOC_KIND_NEW};

    assert_int_equal(faults_add_misfit(fixture.subject, &block, FREE_KIND_FREE, 0, 1000, 0), 0);
    tell_misfit(&fixture, 1100);

    assert_int_equal(faults_of(&fixture)->count, 1);
    assert_int_equal(faults_of(&fixture)->items[0].kind, FAULT_MISMATCHED_FREE);
    assert_int_equal(faults_of(&fixture)->items[0].stack_id, STACK);
    live_recording_end(&fixture.live);
}

static void faults_add_told_misfit_that_is_none_is_no_fault(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    begin(&fixture, SUBJECT_STARTED_BY_RUN);

    tell_misfit(&fixture, 1100);

    assert_int_equal(faults_of(&fixture)->count, 0);
    live_recording_end(&fixture.live);
}

static void faults_add_told_before_its_free_is_one_fault(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    begin(&fixture, SUBJECT_STARTED_BY_RUN);

    tell_call(&fixture, FREE_KIND_REALLOC, ADDRESS, 1000);
    free_nothing(&fixture, ADDRESS, 1500);
    free_nothing(&fixture, ADDRESS, 1600);

    assert_int_equal(faults_of(&fixture)->count, 2);
    live_recording_end(&fixture.live);
}

static void faults_add_stranger_in_a_forked_child_may_be_inherited(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    begin(&fixture, SUBJECT_STARTED_BY_FORK);

    free_nothing(&fixture, ADDRESS, 1000);
    assert_int_equal(faults_of(&fixture)->count, 0);
    tell(&fixture, ADDRESS, 1500);

    assert_int_equal(faults_of(&fixture)->count, 1);
    live_recording_end(&fixture.live);
}

static void faults_add_told_of_a_live_block_is_none(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    const struct block block = {.address = ADDRESS, .size_bytes = 100};
    begin(&fixture, SUBJECT_STARTED_BY_RUN);
    assert_int_equal(live_insert(&fixture.subject->live, &block), 0);

    tell(&fixture, ADDRESS, 1000);

    assert_int_equal(faults_of(&fixture)->count, 0);
    live_recording_end(&fixture.live);
}

/* As where glibc gives a block away again that was on the list of a thread that has ended. */
static void faults_add_told_of_a_block_that_was_live_is_none(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    begin(&fixture, SUBJECT_STARTED_BY_RUN);

    tell(&fixture, ADDRESS, 1000); /* its free has found the block */
    free_nothing(&fixture, ADDRESS, 2000);
    tell(&fixture, ADDRESS, 2100);
    tell(&fixture, ADDRESS, UINT64_C(2000000000));

    assert_int_equal(faults_of(&fixture)->count, 1);
    assert_int_equal(faults_of(&fixture)->items[0].stack_id, STACK);
    live_recording_end(&fixture.live);
}

static void faults_add_beyond_the_most_are_dropped(void **state)
{
    (void)state;
    struct faults_fixture fixture;
    begin(&fixture, SUBJECT_STARTED_BY_RUN);

    for (uint64_t i = 0; i < FAULTS_MOST + 10; i++) {
        free_nothing(&fixture, ADDRESS + 16 * i, 1000 + i);
    }

    assert_int_equal(faults_of(&fixture)->count, FAULTS_MOST);
    live_recording_end(&fixture.live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_is_match_only_new_goes_with_delete),
        cmocka_unit_test(faults_add_told_after_its_free_is_one_fault),
        cmocka_unit_test(faults_add_told_misfit_gives_the_stack_of_its_free),
        cmocka_unit_test(faults_add_told_misfit_that_is_none_is_no_fault),
        cmocka_unit_test(faults_add_told_before_its_free_is_one_fault),
        cmocka_unit_test(faults_add_stranger_in_a_forked_child_may_be_inherited),
        cmocka_unit_test(faults_add_told_of_a_live_block_is_none),
        cmocka_unit_test(faults_add_told_of_a_block_that_was_live_is_none),
        cmocka_unit_test(faults_add_beyond_the_most_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
