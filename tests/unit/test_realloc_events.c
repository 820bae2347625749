#include "blocks_fixture.h"

static struct lane_context begin_lane(struct blocks_fixture *fixture)
{
    return (struct lane_context){.subject = fixture->subject, .thread = 0};
}

static void apply(struct lane_context *lane, const uint64_t *words, uint64_t now_ns)
{
    struct err err = {{0}};
    assert_int_equal(subject_apply(lane, words, now_ns, &err), 0);
}

static void realloc_event(struct lane_context *lane, uint64_t now_ns, uint64_t old, uint64_t new,
                          uint64_t size_bytes)
{
    const uint64_t end[] = {event_head(EVENT_FREE + FREE_KIND_REALLOC, 0, 0), old};
    const uint64_t start[] = {event_head(EVENT_ALLOC + ALLOC_KIND_REALLOC, 0, 0), new, size_bytes};
    if (old != 0) {
        apply(lane, end, now_ns);
    }
    if (new != 0) {
        apply(lane, start, now_ns + 1);
    }
}

static void subject_apply_realloc_chain_is_linked(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    struct lane_context lane = begin_lane(&fixture);
    realloc_event(&lane, 100, 0, 0x1000, 10);
    realloc_event(&lane, 200, 0x1000, 0x1000, 20); /* in place */
    realloc_event(&lane, 300, 0x1000, 0x2000, 40); /* moved: 20 bytes copied */
    realloc_event(&lane, 400, 0x2000, 0x3000, 5);  /* moved: 5 bytes copied */
    drop(&fixture, 500, 0x3000, 0);
    seal(&fixture);

    assert_int_equal(number(&fixture, "SELECT count(*) FROM block WHERE realloc_of_id = id - 1"),
                     3);
    assert_int_equal(count_rows(&fixture, "free_kind = 'realloc' AND freed_by_thread_id = 1"), 3);
    assert_int_equal(fixture.subject->tally.allocation_count, 4);
    uint64_t realloc_count = 0;
    uint64_t moved_bytes = 0;
    uint64_t chain_max = 0;
    for (size_t i = 0; i < fixture.subject->tally.site_count; i++) {
        const struct site *site = &fixture.subject->tally.sites[i];
        realloc_count += site->realloc_count;
        moved_bytes += site->realloc_moved_bytes;
        chain_max = site->realloc_chain_max > chain_max ? site->realloc_chain_max : chain_max;
    }
    assert_int_equal(realloc_count, 3);
    assert_int_equal(moved_bytes, 25);
    assert_int_equal(chain_max, 3);
    free(lane.sites);
    end(&fixture);
}

static void subject_apply_allocation_after_realloc_is_no_continuation(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    struct lane_context lane = begin_lane(&fixture);
    const uint64_t words[] = {event_head(EVENT_ALLOC + ALLOC_KIND_MALLOC, 0, 0), 0x3000, 9};
    realloc_event(&lane, 100, 0, 0x1000, 10);
    realloc_event(&lane, 200, 0x1000, 0x2000, 20);
    apply(&lane, words, 300);
    realloc_event(&lane, 400, 0, 0x4000, 10); /* realloc(NULL, ...) */
    seal(&fixture);

    assert_int_equal(count_rows(&fixture, "realloc_of_id IS NOT NULL"), 1);
    free(lane.sites);
    end(&fixture);
}

/* realloc of a block that nobody has seen: it is a fresh one then. */
static void subject_apply_realloc_of_a_stranger_begins_a_chain(void **state)
{
    (void)state;
    struct blocks_fixture fixture;
    begin(&fixture);
    struct lane_context lane = begin_lane(&fixture);
    realloc_event(&lane, 100, 0x9000, 0x1000, 10);
    seal(&fixture);

    assert_int_equal(fixture.subject->unpaired_free_count, 1);
    assert_int_equal(count_rows(&fixture, "realloc_of_id IS NULL AND kind = 'realloc'"), 1);
    free(lane.sites);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subject_apply_realloc_chain_is_linked),
        cmocka_unit_test(subject_apply_allocation_after_realloc_is_no_continuation),
        cmocka_unit_test(subject_apply_realloc_of_a_stranger_begins_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
