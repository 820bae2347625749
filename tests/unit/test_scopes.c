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
    assert_int_equal(sum->figures[SCOPE_PEAK_BYTES].max, 100);
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
    assert_int_equal(outer->figures[SCOPE_PEAK_BYTES].max, 130);
    assert_int_equal(outer->survivor_count, 0);
    assert_int_equal(inner->allocation_count, 1);
    assert_int_equal(inner->figures[SCOPE_PEAK_BYTES].max, 30);
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
    assert_int_equal(sum->figures[SCOPE_ALLOCATION_COUNT].p50, 1);
    assert_int_equal(sum->figures[SCOPE_ALLOCATION_COUNT].max, 2);
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
    assert_int_equal(sum->figures[SCOPE_ALLOCATION_COUNT].max, 2);
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

static void scopes_know_what_is_left_at_the_end_and_how(void **state)
{
    (void)state;
    struct analysis_recording recording;

    /* Two entries: 100 and 50 are left of the first, 30 of the second, whose 8 is freed late. */
    analysis_recording_make(
        &recording,
        "INSERT INTO given VALUES (10, NULL, 5, 2), (110, NULL, 100, 2), (120, NULL, 50, 2),"
        " (310, NULL, 30, 22), (320, 900, 8, 1);"
        "INSERT INTO mark VALUES " BEGIN(1, 100, "a") "," END(1, 200, "a") "," BEGIN(
            1, 300, "a") "," END(1, 400, "a"));
    fixture_recording_change(&recording.fixture,
                             "UPDATE block SET leak_kind = 'definite' WHERE size_bytes = 100;"
                             "UPDATE block SET leak_kind = 'reachable' WHERE size_bytes = 30");
    const struct scopes *scopes = analysis_recording_run(&recording, &scopes_analysis);

    const struct scope_sum *sum = find(scopes, "a");
    assert_int_equal(sum->survivor_count, 4);
    assert_int_equal(sum->leaked_count[LEAK_DEFINITE], 1);
    assert_int_equal(sum->leaked_bytes[LEAK_DEFINITE], 100);
    assert_int_equal(sum->leaked_count[LEAK_REACHABLE], 1);
    assert_int_equal(sum->leaked_bytes[LEAK_UNKNOWN], 50);
    assert_int_equal(sum->leak_count, 3);
    assert_int_equal(sum->leaks[0].entry, sum->leaks[1].entry);
    assert_int_not_equal(sum->leaks[1].entry, sum->leaks[2].entry);
    assert_int_equal(sum->leaks[2].stack_id, 5);
    assert_int_equal(sum->figures[SCOPE_SURVIVOR_BYTES].max, 150);
    analysis_recording_remove(&recording);
}

static void scopes_know_the_peak_of_the_process(void **state)
{
    (void)state;
    struct analysis_recording recording;

    /* 1000 from before is freed in it; thread 2 has 300 meanwhile; 4000 is live before and after.
     */
    const struct scopes *scopes =
        run(&recording,
            "INSERT INTO given VALUES (10, 50, 4000, 1), (60, 150, 1000, 1), (110, 120, 20, 1),"
            " (130, 140, 300, 10), (160, 170, 7, 1), (250, 260, 4000, 1);"
            "INSERT INTO mark VALUES " BEGIN(1, 100, "a") "," END(1, 200, "a"));

    const struct scope_sum *sum = find(scopes, "a");
    assert_int_equal(sum->figures[SCOPE_PEAK_BYTES].max, 20);
    assert_int_equal(sum->figures[SCOPE_PROCESS_PEAK_BYTES].max, 1300);
    analysis_recording_remove(&recording);
}

/* As if blocks of those stacks were not there; a realloc may lose either side. */
static void scopes_without_some_stacks(void **state)
{
    (void)state;
    struct analysis_recording recording;
    struct map ignored = {0};
    struct err err;
    analysis_recording_make(&recording,
                            "INSERT INTO given VALUES (110, 120, 100, 1), (130, 140, 30, 21),"
                            " (150, 900, 7, 21), (160, 170, 9, 1);"
                            "INSERT INTO mark VALUES " BEGIN(1, 100, "a") "," END(1, 200, "a"));
    assert_int_equal(map_put(&ignored, 5, 1), 0);
    recording.run = (struct analysis_run){.analysis = &scopes_analysis, .ignored_stacks = &ignored};
    assert_int_equal(trace_open(recording.fixture.path, &recording.trace, &err), 0);

    assert_int_equal(analyses_run(recording.trace, 1, &recording.run, 1, NULL, NULL, &err), 0);

    const struct scope_sum *sum = find(recording.run.state, "a");
    assert_int_equal(sum->allocation_count, 2);
    assert_int_equal(sum->allocated_bytes, 109);
    assert_int_equal(sum->survivor_count, 0);
    assert_int_equal(sum->site_count, 1);
    map_fini(&ignored);
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
        cmocka_unit_test(scopes_know_what_is_left_at_the_end_and_how),
        cmocka_unit_test(scopes_know_the_peak_of_the_process),
        cmocka_unit_test(scopes_without_some_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
