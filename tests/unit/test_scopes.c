#include "analysis_recording.h"

#include "../../analyzer/analyses/scopes.h"

#define BEGIN(thread, at, name) "(NULL, 1, " #thread ", " #at ", 'scope_begin', '" name "')"
#define END(thread, at, name)   "(NULL, 1, " #thread ", " #at ", 'scope_end', '" name "')"

static const struct scopes *run(struct analysis_recording *recording, const char *sql)
{
    analysis_recording_make(recording, sql);
    return analysis_recording_run(recording, &scopes_analysis);
}

static const struct scope_sum *find(const struct scopes *scopes, const char *name)
{
    for (size_t i = 0; i < scopes->count; i++) {
        if (strcmp(scopes->sums[i].name, name) == 0) {
            return &scopes->sums[i];
        }
    }
    fail_msg("no scope '%s'", name);
    return NULL;
}

static void scopes_without_marks_are_none(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct scopes *scopes = run(&recording, "INSERT INTO given VALUES (10, 20, 8, 1);"
                                                  "INSERT INTO mark VALUES (NULL, 1, 1, 5, 'frame',"
                                                  " '')");

    assert_int_equal(scopes->count, 0);
    analysis_recording_remove(&recording);
}

static void scopes_hold_what_was_allocated_between(void **state)
{
    (void)state;
    struct analysis_recording recording;

    /* 8 before; 100 and 50 in it, of which 50 stays; 8 is freed in it, and another after it. */
    const struct scopes *scopes =
        run(&recording,
            "INSERT INTO given VALUES (10, 150, 8, 1), (110, 120, 100, 1), (130, 900, 50, 1),"
            " (300, 310, 8, 1); INSERT INTO mark VALUES " BEGIN(1, 100, "load") "," END(1, 200,
                                                                                        "load"));

    const struct scope_sum *sum = find(scopes, "load");
    assert_int_equal(sum->entry_count, 1);
    assert_int_equal(sum->unended_count, 0);
    assert_int_equal(sum->thread_count, 1);
    assert_int_equal(sum->allocation_count, 2);
    assert_int_equal(sum->free_count, 2);
    assert_int_equal(sum->allocated_bytes, 150);
    assert_int_equal(sum->own_allocation_count, 2);
    assert_int_equal(sum->survivor_count, 1);
    assert_int_equal(sum->survivor_bytes, 50);
    assert_int_equal(sum->peaks.max, 100);
    analysis_recording_remove(&recording);
}

static void scopes_within_others_count_in_both(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct scopes *scopes =
        run(&recording,
            "INSERT INTO given VALUES (110, 400, 100, 1), (210, 220, 30, 1), (310, 320, 7, 21);"
            "INSERT INTO mark VALUES " BEGIN(1, 100, "outer") "," BEGIN(1, 200, "inner") "," END(
                1, 300, "inner") "," END(1, 500, "outer"));

    const struct scope_sum *outer = find(scopes, "outer");
    const struct scope_sum *inner = find(scopes, "inner");
    assert_int_equal(outer->allocation_count, 3);
    assert_int_equal(outer->own_allocation_count, 2);
    assert_int_equal(outer->own_allocated_bytes, 107);
    assert_int_equal(outer->peaks.max, 130);
    assert_int_equal(outer->survivor_count, 0);
    assert_int_equal(inner->allocation_count, 1);
    assert_int_equal(inner->peaks.max, 30);
    assert_int_equal(outer->site_count, 2);
    assert_int_equal(outer->sites[0].stack_id, 2);
    assert_int_equal(outer->sites[0].allocation_count, 2);
    assert_int_equal(outer->sites[1].stack_id, 5);
    assert_int_equal(inner->site_count, 1);
    assert_int_equal(inner->sites[0].allocated_bytes, 30);
    analysis_recording_remove(&recording);
}

static void scopes_within_their_own_name_count_once(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct scopes *scopes =
        run(&recording, "INSERT INTO given VALUES (110, 900, 1, 1), (210, 220, 2, 1);"
                        "INSERT INTO mark VALUES " BEGIN(1, 100, "r") "," BEGIN(
                            1, 200, "r") "," END(1, 300, "r") "," END(1, 500, "r"));

    const struct scope_sum *sum = find(scopes, "r");
    assert_int_equal(sum->entry_count, 2);
    assert_int_equal(sum->allocation_count, 2);
    assert_int_equal(sum->allocated_bytes, 3);
    assert_int_equal(sum->own_allocation_count, 2);
    assert_int_equal(sum->survivor_count, 1);
    assert_int_equal(sum->allocations.p50, 1);
    assert_int_equal(sum->allocations.max, 2);
    analysis_recording_remove(&recording);
}

static void scopes_of_threads_are_their_own(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct scopes *scopes =
        run(&recording, "INSERT INTO given VALUES (110, 120, 1, 1), (130, 140, 2, 10),"
                        " (160, 170, 2, 23);"
                        "INSERT INTO mark VALUES " BEGIN(1, 100, "a") "," BEGIN(
                            2, 125, "a") "," END(1, 150, "a") "," END(2, 200, "a"));

    const struct scope_sum *sum = find(scopes, "a");
    assert_int_equal(sum->entry_count, 2);
    assert_int_equal(sum->thread_count, 2);
    assert_int_equal(sum->allocation_count, 3);
    assert_int_equal(sum->free_count, 3); /* thread 1 freed a block of thread 2 */
    assert_int_equal(sum->allocations.max, 2);
    assert_int_equal(sum->survivor_count, 0);
    analysis_recording_remove(&recording);
}

static void scopes_without_their_own_end_are_told(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct scopes *scopes =
        run(&recording,
            "INSERT INTO given VALUES (110, 120, 1, 1), (210, 220, 2, 1),"
            " (610, 620, 4, 1); INSERT INTO mark VALUES " BEGIN(1, 100, "outer") "," BEGIN(
                1, 200, "left") "," END(1, 300, "outer") "," END(1, 400,
                                                                 "never begun") "," BEGIN(1, 600,
                                                                                          "open"));

    assert_int_equal(find(scopes, "left")->unended_count, 1);
    assert_int_equal(find(scopes, "outer")->unended_count, 0);
    assert_int_equal(find(scopes, "outer")->allocation_count, 2);
    assert_int_equal(find(scopes, "open")->unended_count, 1);
    assert_int_equal(find(scopes, "open")->allocation_count, 1);
    assert_int_equal(scopes->unmatched_end_count, 1);
    assert_int_equal(scopes->count, 3);
    analysis_recording_remove(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_without_marks_are_none),
        cmocka_unit_test(scopes_hold_what_was_allocated_between),
        cmocka_unit_test(scopes_within_others_count_in_both),
        cmocka_unit_test(scopes_within_their_own_name_count_once),
        cmocka_unit_test(scopes_of_threads_are_their_own),
        cmocka_unit_test(scopes_without_their_own_end_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
