#include <errno.h>

#include "fixture_recording.h"

#include "../../analyzer/model/completeness.h"

/* Checks the fixture, changed by `sql`, and expects the end of the error; NULL: there is none. */
static void expect(const char *sql, const struct completeness_need *need, const char *end)
{
    struct fixture_recording fixture;
    struct trace *trace = NULL;
    struct err err = {0};
    char expected[256];
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, sql);
    assert_int_equal(trace_open(fixture.path, &trace, &err), 0);

    int result = completeness_check(trace, need, &err);

    if (end == NULL) {
        assert_int_equal(result, 0);
    } else {
        (void)snprintf(expected, sizeof(expected), "cannot judge '%s': %s", fixture.path, end);
        assert_int_equal(result, -ENODATA);
        assert_string_equal(err.text, expected);
    }
    trace_close(trace);
    fixture_recording_remove(&fixture);
}

static void completeness_check_whole_recording_is_fit(void **state)
{
    (void)state;
    const struct completeness_need calls = {.verb = "judge", .has_each_call = true};
    expect("", &calls, NULL);
}

static void completeness_check_sample_is_refused_always(void **state)
{
    (void)state;
    const struct completeness_need least = {.verb = "judge", .may_be_cut = true};
    expect("UPDATE run SET sample_bytes = 4096", &least,
           "it is a sample, most calls were not recorded; record without --sample");
}

static void completeness_check_sums_do_where_no_call_is_needed(void **state)
{
    (void)state;
    const struct completeness_need sums = {.verb = "judge"};
    const struct completeness_need calls = {.verb = "judge", .has_each_call = true};
    expect("UPDATE run SET detail = 'sites'", &sums, NULL);
    expect("UPDATE run SET detail = 'sites'", &calls,
           "it holds no single allocations; record without --detail sites");
}

static void completeness_check_cut_recording_is_refused_with_the_hint(void **state)
{
    (void)state;
    const struct completeness_need strict = {.verb = "judge", .hint = "or: --so"};
    const struct completeness_need lenient = {.verb = "judge", .may_be_cut = true};
    expect("UPDATE run SET state = 'cut'", &strict,
           "the recording is incomplete (state 'cut'); or: --so");
    expect("UPDATE run SET state = 'cut'", &lenient, NULL);
}

static void completeness_check_lost_events_count_in_their_process(void **state)
{
    (void)state;
    const struct completeness_need first = {.verb = "judge", .process_id = 1};
    const struct completeness_need second = {.verb = "judge", .process_id = 2};
    const struct completeness_need all = {.verb = "judge"};
    static const char sql[] = "UPDATE run SET lost_event_count = 3;"
                              "UPDATE process SET lost_event_count = 3 WHERE id = 2";
    expect(sql, &first, NULL);
    expect(sql, &second, "3 events were lost");
    expect(sql, &all, "3 events were lost");
}

static void completeness_check_unseen_malloc_counts_in_its_process(void **state)
{
    (void)state;
    const struct completeness_need first = {.verb = "judge", .process_id = 1};
    const struct completeness_need all = {.verb = "judge", .hint = "or: --so"};
    const struct completeness_need lenient = {.verb = "judge", .may_be_cut = true};
    static const char sql[] = "UPDATE process SET is_malloc_replaced = 1 WHERE id = 2";
    static const char old[] = "ALTER TABLE process DROP COLUMN is_malloc_replaced";
    expect(sql, &first, NULL);
    expect(sql, &all, "process 2 brings its own malloc, which was not seen; or: --so");
    expect(sql, &lenient, NULL);
    expect(old, &all, NULL);
}

static void completeness_check_unseen_program_behind_a_shell_is_refused(void **state)
{
    (void)state;
    const struct completeness_need all = {.verb = "judge", .unseen_hint = "or: --so"};
    const struct completeness_need limited = {.verb = "judge", .may_be_unseen = true};
    const struct completeness_need one = {.verb = "judge", .process_id = 1};
#define MISSING "INSERT INTO unrecorded VALUES ('/a/app', 'static', 2, 7, 1, 5);"
#define SHELLS  "UPDATE process SET executable = '/bin/dash'"
    expect(MISSING, &all, NULL);
    expect(SHELLS, &all, NULL);
    expect(MISSING SHELLS, &all,
           "nothing but shells and their like was recorded, and 2 processes were not recorded: "
           "2 times /a/app (statically linked); or: --so");
    expect(MISSING SHELLS " WHERE id = 1", &all, NULL);
    expect(MISSING SHELLS, &limited, NULL);
    expect(MISSING SHELLS, &one, NULL);
    expect("DROP TABLE unrecorded", &all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completeness_check_whole_recording_is_fit),
        cmocka_unit_test(completeness_check_sample_is_refused_always),
        cmocka_unit_test(completeness_check_sums_do_where_no_call_is_needed),
        cmocka_unit_test(completeness_check_cut_recording_is_refused_with_the_hint),
        cmocka_unit_test(completeness_check_lost_events_count_in_their_process),
        cmocka_unit_test(completeness_check_unseen_malloc_counts_in_its_process),
        cmocka_unit_test(completeness_check_unseen_program_behind_a_shell_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
