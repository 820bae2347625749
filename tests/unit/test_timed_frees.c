#include "blocks_fixture.h"

/*
 * A free that is timed is told before the real call, and how long it took after it.
 */
static void apply(struct lane_context *lane, const uint64_t *words, uint64_t now_ns)
{
    struct err err = {{0}};
    assert_int_equal(subject_apply(lane, words, now_ns, &err), 0);
}

static void timed_free(struct lane_context *lane, uint64_t now_ns, uint64_t address)
{
    const uint64_t words[] = {event_head(EVENT_FREE + FREE_KIND_FREE, EVENT_FREE_IS_TIMED, 0),
                              address};
    apply(lane, words, now_ns);
}

static void plain_free(struct lane_context *lane, uint64_t now_ns, uint64_t address)
{
    const uint64_t words[] = {event_head(EVENT_FREE + FREE_KIND_FREE, 0, 0), address};
    apply(lane, words, now_ns);
}

static void free_time(struct lane_context *lane, uint64_t now_ns, uint64_t address)
{
    const uint64_t words[] = {event_head(EVENT_FREE_TIME, event_duration_encode(50), 0), address};
    apply(lane, words, now_ns);
}

static struct lane_context begin_lane(struct blocks_fixture *fixture, uint32_t thread)
{
    begin(fixture);
    return (struct lane_context){.subject = fixture->subject, .thread = thread};
}

/* How many frees of the fixture's site have a time. */
static uint64_t timed_count(const struct blocks_fixture *fixture)
{
    return fixture->subject->tally.sites[fixture->site].timed_free_count;
}

static void subject_apply_free_time_counts_for_the_blocks_site(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    struct lane_context lane = begin_lane(&fixture, 0);
    add(&fixture, 100, 0x1000, 10, 0);
    add(&fixture, 110, 0x2000, 10, 0);

    timed_free(&lane, 200, 0x1000);
    plain_free(&lane, 210, 0x2000); /* by a signal handler that interrupted the real call */
    free_time(&lane, 250, 0x1000);

    assert_int_equal(timed_count(&fixture), 1);
    assert_int_equal(fixture.subject->tally.sites[fixture.site].timed_free_ns, 50);
    assert_int_equal(fixture.subject->tally.free_count, 2);
    seal(&fixture);
    assert_int_equal(count_rows(&fixture, "died_ns = 200"), 1);
    end(&fixture);
}

static void subject_apply_free_without_its_time_is_a_free(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    struct lane_context lane = begin_lane(&fixture, 0);
    add(&fixture, 100, 0x1000, 10, 0);

    timed_free(&lane, 200, 0x1000); /* the program ended in it */

    assert_int_equal(timed_count(&fixture), 0);
    seal(&fixture);
    assert_int_equal(count_rows(&fixture, "died_ns = 200"), 1);
    end(&fixture);
}

static void subject_apply_free_time_of_no_timed_free_is_left_out(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    struct lane_context lane = begin_lane(&fixture, 0);
    struct lane_context other = {.subject = fixture.subject, .thread = 1};
    add(&fixture, 100, 0x1000, 10, 0);
    add_kind(&fixture, 110, 0x2000, 10, 0, ALLOC_KIND_INTERNAL);

    free_time(&lane, 150, 0x1000);
    timed_free(&lane, 200, 0x1000);
    free_time(&lane, 210, 0x3000);  /* of another address */
    free_time(&other, 220, 0x1000); /* of another thread */
    free_time(&lane, 230, 0x1000);  /* too late: that was no time of it */
    timed_free(&lane, 300, 0x2000); /* the recorder's own block */
    free_time(&lane, 310, 0x2000);

    assert_int_equal(timed_count(&fixture), 0);
    seal(&fixture);
    end(&fixture);
}

static void subject_apply_free_that_waits_for_its_block_has_no_time(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    struct lane_context lane = begin_lane(&fixture, 1);

    timed_free(&lane, 200, 0x1000); /* stamped before the other thread's allocation */
    add(&fixture, 210, 0x1000, 10, 0);
    free_time(&lane, 220, 0x1000);

    assert_int_equal(timed_count(&fixture), 0);
    assert_int_equal(fixture.subject->tally.free_count, 1);
    seal(&fixture);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subject_apply_free_time_counts_for_the_blocks_site),
        cmocka_unit_test(subject_apply_free_without_its_time_is_a_free),
        cmocka_unit_test(subject_apply_free_time_of_no_timed_free_is_left_out),
        cmocka_unit_test(subject_apply_free_that_waits_for_its_block_has_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
