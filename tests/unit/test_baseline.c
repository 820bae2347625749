#include <errno.h>

#include "fixture_recording.h"

#include "../../analyzer/gate/baseline.h"
#include "../../analyzer/gate/baseline_change.h"

static void add(struct baseline *baseline, const char *sql)
{
    struct fixture_recording fixture;
    struct err err = {0};
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, sql);
    if (baseline_add(baseline, fixture.path, &err) != 0) {
        fail_msg("%s", err.text);
    }
    fixture_recording_remove(&fixture);
}

/* What the text of `baseline` reads as. */
static void write_and_read(const struct baseline *baseline, struct baseline *out_baseline)
{
    char path[] = "/tmp/allocaudit-baseline-XXXXXX";
    struct err err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(baseline_write_file(baseline, path, &err), 0);
    if (baseline_read(out_baseline, path, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(unlink(path), 0);
}

static void baseline_add_names_sites_by_their_functions(void **state)
{
    (void)state;
    struct baseline baseline = {0};

    add(&baseline, "");

    const struct baseline_site *site = baseline_find(&baseline, "make_job < worker_loop");
    assert_non_null(site);
    assert_int_equal(site->figures[GATE_METRIC_ALLOCATION_COUNT].most, 4);
    assert_non_null(baseline_find(&baseline, "parse_line < load_config < main"));
    assert_int_equal(baseline.run[GATE_METRIC_ALLOCATION_COUNT].least, 30);
    assert_int_equal(baseline.run[GATE_METRIC_LEAKED_COUNT].most, 3);
    baseline_fini(&baseline);
}

static void baseline_write_reads_as_the_same(void **state)
{
    (void)state;
    struct baseline baseline = {0};
    struct baseline read = {0};
    add(&baseline, "");
    add(&baseline, "UPDATE run SET allocation_count = 33;"
                   "UPDATE frame SET function = 'say \"\\' || char(10) || 'x' WHERE id = 13;");

    write_and_read(&baseline, &read);

    assert_string_equal(read.command, baseline.command);
    assert_int_equal(read.recording_count, 2);
    assert_int_equal(read.thread_count, 2);
    assert_memory_equal(read.run, baseline.run, sizeof(read.run));
    assert_int_equal(read.site_count, baseline.site_count);
    for (size_t i = 0; i < read.site_count; i++) {
        assert_string_equal(read.sites[i].path, baseline.sites[i].path);
        assert_memory_equal(read.sites[i].figures, baseline.sites[i].figures,
                            sizeof(read.sites[i].figures));
    }
    baseline_fini(&read);
    baseline_fini(&baseline);
}

static void baseline_add_another_command_is_refused(void **state)
{
    (void)state;
    struct baseline baseline = {0};
    struct fixture_recording fixture;
    struct err err = {0};
    add(&baseline, "");
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, "UPDATE run SET command = './other'");

    assert_int_equal(baseline_add(&baseline, fixture.path, &err), -EINVAL);

    assert_non_null(strstr(err.text, "is of another command: ./other, not ./server"));
    fixture_recording_remove(&fixture);
    baseline_fini(&baseline);
}

static void baseline_compare_names_the_site_that_moved_most(void **state)
{
    (void)state;
    struct baseline old = {0};
    struct baseline now = {0};
    struct baseline_change changes[GATE_METRIC_COUNT];
    struct err err;
    add(&old, "");
    add(&now, "UPDATE run SET allocation_count = 40, leaked_count = 2;"
              "UPDATE site SET allocation_count = allocation_count + 10 WHERE stack_id = 13;");

    assert_int_equal(baseline_compare(&old, &now, NULL, changes, &err), 0);

    const struct baseline_change *count = &changes[GATE_METRIC_ALLOCATION_COUNT];
    assert_int_equal(count->kind, CHANGE_MORE);
    assert_int_equal(count->old.most, 30);
    assert_int_equal(count->now.least, 40);
    assert_string_equal(count->site_path, "make_job < worker_loop");
    assert_int_equal(count->site_old.most, 4);
    assert_int_equal(count->site_now.least, 14);
    assert_int_equal(count->site_stack_id, 13);
    assert_int_equal(changes[GATE_METRIC_LEAKED_COUNT].kind, CHANGE_LESS);
    assert_int_equal(changes[GATE_METRIC_ALLOCATED_BYTES].kind, CHANGE_NONE);
    baseline_fini(&old);
    baseline_fini(&now);
}

static void baseline_compare_gives_room_to_what_varied(void **state)
{
    (void)state;
    struct baseline old = {0};
    struct baseline near = {0};
    struct baseline far = {0};
    struct baseline_change changes[GATE_METRIC_COUNT];
    struct err err;
    add(&old, "");
    add(&old, "UPDATE run SET allocation_count = 32");
    add(&near, "UPDATE run SET allocation_count = 42");
    add(&far, "UPDATE run SET allocation_count = 43");

    assert_int_equal(baseline_compare(&old, &near, NULL, changes, &err), 0);
    assert_int_equal(changes[GATE_METRIC_ALLOCATION_COUNT].kind, CHANGE_NONE);
    assert_int_equal(baseline_compare(&old, &far, NULL, changes, &err), 0);
    assert_int_equal(changes[GATE_METRIC_ALLOCATION_COUNT].kind, CHANGE_MORE);
    assert_int_equal(baseline_compare(&old, &far, "10%", changes, &err), 0);
    assert_int_equal(changes[GATE_METRIC_ALLOCATION_COUNT].kind, CHANGE_NONE);
    assert_int_equal(baseline_compare(&old, &far, "ten", changes, &err), -EINVAL);
    baseline_fini(&old);
    baseline_fini(&near);
    baseline_fini(&far);
}

static void baseline_compare_judges_what_is_more_each_time(void **state)
{
    (void)state;
    struct baseline old = {0};
    struct baseline now = {0};
    struct baseline_change changes[GATE_METRIC_COUNT];
    struct err err;
    add(&old, "");
    add(&now, "UPDATE run SET allocation_count = 40, free_count = 1");
    add(&now, "UPDATE run SET leaked_count = 9");

    assert_int_equal(baseline_compare(&old, &now, NULL, changes, &err), 0);

    assert_int_equal(changes[GATE_METRIC_ALLOCATION_COUNT].kind, CHANGE_NONE);
    assert_int_equal(changes[GATE_METRIC_LEAKED_COUNT].kind, CHANGE_NONE);
    baseline_fini(&old);
    baseline_fini(&now);
}

static void baseline_compare_peak_of_threads_is_not_judged(void **state)
{
    (void)state;
    struct baseline old = {0};
    struct baseline now = {0};
    struct baseline_change changes[GATE_METRIC_COUNT];
    struct err err;
    add(&old, "");
    add(&now, "UPDATE run SET peak_bytes = peak_bytes + 1");

    assert_int_equal(baseline_compare(&old, &now, NULL, changes, &err), 0);
    assert_int_equal(changes[GATE_METRIC_PEAK_BYTES].kind, CHANGE_UNJUDGED);
    old.thread_count = 1;
    now.thread_count = 1;
    assert_int_equal(baseline_compare(&old, &now, NULL, changes, &err), 0);
    assert_int_equal(changes[GATE_METRIC_PEAK_BYTES].kind, CHANGE_MORE);
    baseline_fini(&old);
    baseline_fini(&now);
}

static void set_command(struct baseline *baseline, const char *command)
{
    free(baseline->command);
    baseline->command = strdup(command);
}

/* The path and the arguments may differ, the program may not. */
static void baseline_compare_of_another_program_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *old;
        const char *now;
        int result;
    } cases[] = {
        {"./server --port 1", "/usr/bin/server", 0}, {"'./my server' -v", "'build/my server'", 0},
        {"./server", "./server2", -EINVAL},          {"./server2", "./server", -EINVAL},
        {"sh -c ./server", "./server", -EINVAL},
    };
    struct baseline old = {0};
    struct baseline now = {0};
    struct baseline_change changes[GATE_METRIC_COUNT];
    struct err err = {0};
    add(&old, "");
    add(&now, "");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_command(&old, cases[i].old);
        set_command(&now, cases[i].now);
        assert_int_equal(baseline_compare(&old, &now, NULL, changes, &err), cases[i].result);
    }

    assert_string_equal(err.text, "the baseline is of another program: of sh -c ./server, the "
                                  "recording is of ./server");
    baseline_fini(&old);
    baseline_fini(&now);
}

static void refuse(const char *text, const char *why)
{
    char path[] = "/tmp/allocaudit-baseline-XXXXXX";
    char wanted[256];
    struct baseline baseline = {0};
    struct err err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);

    int result = baseline_read(&baseline, path, &err);

    (void)snprintf(wanted, sizeof(wanted), "%s%s", path, why);
    assert_int_equal(result, -EINVAL);
    assert_string_equal(err.text, wanted);
    assert_int_equal(unlink(path), 0);
    baseline_fini(&baseline);
}

static void baseline_read_foreign_texts_are_refused(void **state)
{
    (void)state;
    refuse("", ": it is empty");
    refuse("baseline: 2\n",
           ":1:11: a baseline of format 2; this allocaudit knows 1: write it anew");
    refuse("comand: x\n", ":1:1: unknown word 'comand': did you mean 'command'?");
    refuse("leaked_count: 0\n", ":1:1: 'leaked_count' stands in budgets, this should be a "
                                "baseline: is --budget meant?");
    refuse("run: {peak_bytes: 5..3}\n", ":1:19: a range was expected here, such as 12..15");
    refuse("run: {peak_bytes: many}\n", ":1:19: a count was expected here");
    refuse("run: {process_peak_bytes: 3}\n", ":1:7: process_peak_bytes is in no baseline");
    refuse("run: {peak_byte: 3}\n", ":1:7: unknown figure 'peak_byte': did you mean 'peak_bytes'?");
    refuse("baseline: 1\n", ": no baseline: 'command' or 'recording_count' is missing");
    refuse("sites: {a: 3}\n", ":1:8: 'sites' must be a list");
    refuse("sites: [a]\n", ":1:9: a site must be 'name: value' lines");
    refuse("sites: [{peak_bytes: 1}]\n", ":1:9: a site needs its path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline_add_names_sites_by_their_functions),
        cmocka_unit_test(baseline_write_reads_as_the_same),
        cmocka_unit_test(baseline_add_another_command_is_refused),
        cmocka_unit_test(baseline_compare_names_the_site_that_moved_most),
        cmocka_unit_test(baseline_compare_gives_room_to_what_varied),
        cmocka_unit_test(baseline_compare_judges_what_is_more_each_time),
        cmocka_unit_test(baseline_compare_peak_of_threads_is_not_judged),
        cmocka_unit_test(baseline_compare_of_another_program_is_refused),
        cmocka_unit_test(baseline_read_foreign_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
