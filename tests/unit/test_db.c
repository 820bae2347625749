#include <errno.h>
#include <sys/stat.h>

#include "fixture_recording.h"

#include "../../analyzer/db/open.h"
#include "../../analyzer/db/query_class.h"
#include "../../analyzer/db/query_run.h"
#include "../../analyzer/db/query_site.h"
#include "../../analyzer/db/query_stack.h"

static struct db *open_fixture(const struct fixture_recording *fixture)
{
    struct err err;
    struct db *db = NULL;
    if (db_open(fixture->path, &db, &err) < 0) {
        fail_msg("%s", err.text);
    }
    return db;
}

static void db_open_missing_file_is_told(void **state)
{
    (void)state;
    struct err err;
    struct db *db = NULL;

    int result = db_open("/tmp/no/such/file.db", &db, &err);

    assert_int_equal(result, -ENOENT);
    assert_null(db);
    assert_string_equal(err.text, "cannot open '/tmp/no/such/file.db': no such file or directory; "
                                  "record one with 'allocaudit run COMMAND'");
}

static void db_open_other_version_is_refused(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, "PRAGMA user_version = 3");
    struct err err;
    struct db *db = NULL;

    int result = db_open(fixture.path, &db, &err);

    assert_int_equal(result, -ENOTUNIQ);
    assert_non_null(strstr(err.text, "it is version 3; this allocaudit reads version 1"));
    fixture_recording_remove(&fixture);
}

static void db_open_other_application_is_refused(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, "PRAGMA application_id = 7");
    struct err err;
    struct db *db = NULL;

    int result = db_open(fixture.path, &db, &err);

    assert_int_equal(result, -EINVAL);
    assert_non_null(strstr(err.text, "a database, but not a recording of allocaudit"));
    fixture_recording_remove(&fixture);
}

static void db_open_truncated_file_is_damaged(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    struct stat status;
    assert_int_equal(stat(fixture.path, &status), 0);
    assert_int_equal(truncate(fixture.path, status.st_size - 1), 0);
    struct err err;
    struct db *db = NULL;

    int result = db_open(fixture.path, &db, &err);

    assert_int_equal(result, -EBADMSG);
    assert_non_null(strstr(err.text, "truncated"));
    fixture_recording_remove(&fixture);
}

static void db_open_longer_file_is_fine(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    struct stat status;
    assert_int_equal(stat(fixture.path, &status), 0);
    assert_int_equal(truncate(fixture.path, status.st_size + 65536), 0);

    struct db *db = open_fixture(&fixture);

    assert_string_equal(db_path(db), fixture.path);
    db_close(db);
    fixture_recording_remove(&fixture);
}

static int take_run(void *context, const struct run_row *row)
{
    struct run_row *copy = context;
    *copy = *row;
    assert_string_equal(row->state, "complete");
    assert_string_equal(row->command, "./server --config demo.conf");
    return 0;
}

static void query_run_of_complete_recording_gives_all_figures(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    struct db *db = open_fixture(&fixture);
    struct err err;
    struct run_row row;

    assert_int_equal(query_run(db, take_run, &row, &err), 0);

    assert_int_equal(row.allocation_count, 30);
    assert_int_equal(row.allocated_bytes, 206520);
    assert_int_equal(row.peak_bytes, 203704);
    assert_int_equal(row.leaked_count, 3);
    assert_true(row.sample_bytes == QUERY_NULL);
    assert_true(row.exit_signal == QUERY_NULL);
    assert_null(row.ring_path);
    db_close(db);
    fixture_recording_remove(&fixture);
}

static int refuse_process(void *context, const struct process_row *row)
{
    unsigned *call_count = context;
    (void)row;
    (*call_count)++;
    return -ENOMEM;
}

static void query_processes_sink_that_fails_ends_the_query(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    struct db *db = open_fixture(&fixture);
    struct err err;
    unsigned call_count = 0;

    int result = query_processes(db, refuse_process, &call_count, &err);

    assert_int_equal(result, -ENOMEM);
    assert_int_equal(call_count, 1);
    db_close(db);
    fixture_recording_remove(&fixture);
}

static void query_site_sums_over_processes_or_takes_one(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    struct db *db = open_fixture(&fixture);
    struct err err;
    struct site_row all;
    struct site_row child;
    struct site_row none;

    assert_int_equal(query_site(db, 0, 4, &all, &err), 0);
    assert_int_equal(query_site(db, 2, 4, &child, &err), 0);
    assert_int_equal(query_site(db, 0, 3, &none, &err), 0);

    assert_int_equal(all.process_count, 2);
    assert_int_equal(all.allocation_count, 5);
    assert_int_equal(all.leaked_bytes, 3000);
    assert_int_equal(all.lifetime_max_ns, 6000000);
    assert_int_equal(child.process_count, 1);
    assert_int_equal(child.allocation_count, 2);
    assert_string_equal(child.kind, "malloc");
    assert_int_equal(none.process_count, 0);
    assert_string_equal(none.kind, "");
    db_close(db);
    fixture_recording_remove(&fixture);
}

static int add_block_site(void *context, const struct site_row *row)
{
    struct site_row *rows = context;
    assert_true(row->stack_id < 20);
    rows[row->stack_id] = *row;
    return 0;
}

static void query_block_sites_of_everything_equals_the_aggregates(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    struct db *db = open_fixture(&fixture);
    struct err err;
    struct site_row rows[20] = {{0}};
    const struct block_selection everything = {NULL, 0, UINT64_MAX};

    assert_int_equal(query_block_sites(db, &everything, add_block_site, rows, &err), 0);

    for (uint32_t stack_id = 1; stack_id < 20; stack_id++) {
        struct site_row site;
        assert_int_equal(query_site(db, 0, stack_id, &site, &err), 0);
        assert_string_equal(rows[stack_id].kind, site.kind);
        assert_int_equal(rows[stack_id].process_count, site.process_count);
        assert_int_equal(rows[stack_id].allocation_count, site.allocation_count);
        assert_int_equal(rows[stack_id].allocated_bytes, site.allocated_bytes);
        assert_int_equal(rows[stack_id].usable_bytes, site.usable_bytes);
        assert_int_equal(rows[stack_id].free_count, site.free_count);
        assert_int_equal(rows[stack_id].size_min_bytes, site.size_min_bytes);
        assert_int_equal(rows[stack_id].size_max_bytes, site.size_max_bytes);
        assert_int_equal(rows[stack_id].leaked_count, site.leaked_count);
        assert_int_equal(rows[stack_id].leaked_bytes, site.leaked_bytes);
        assert_int_equal(rows[stack_id].lifetime_sum_ns, site.lifetime_sum_ns);
        assert_int_equal(rows[stack_id].lifetime_max_ns, site.lifetime_max_ns);
        assert_int_equal(rows[stack_id].remote_free_count, site.remote_free_count);
        assert_int_equal(rows[stack_id].realloc_count, site.realloc_count);
        assert_int_equal(rows[stack_id].large_short_lived_count, site.large_short_lived_count);
        assert_int_equal(rows[stack_id].large_short_lived_bytes, site.large_short_lived_bytes);
    }
    db_close(db);
    fixture_recording_remove(&fixture);
}

static void query_negative_count_is_damage(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    fixture_recording_change(&fixture, "UPDATE site SET free_count = -5 WHERE stack_id = 5");
    struct db *db = open_fixture(&fixture);
    struct err err;
    struct site_row row;

    int result = query_site(db, 0, 5, &row, &err);

    assert_int_equal(result, -EBADMSG);
    assert_non_null(strstr(err.text, "damaged"));
    db_close(db);
    fixture_recording_remove(&fixture);
}

static void query_has_cut_stacks_tells_whether_there_are(void **state)
{
    (void)state;
    struct fixture_recording fixture;
    fixture_recording_make(&fixture);
    struct err err;
    bool has_cut = false;
    struct db *db = open_fixture(&fixture);
    assert_int_equal(query_has_cut_stacks(db, &has_cut, &err), 0);
    assert_true(has_cut);
    db_close(db);

    fixture_recording_change(&fixture, "UPDATE stack SET frame_id = 14 WHERE id = 14");

    db = open_fixture(&fixture);
    assert_int_equal(query_has_cut_stacks(db, &has_cut, &err), 0);
    assert_false(has_cut);
    db_close(db);
    fixture_recording_remove(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(db_open_missing_file_is_told),
        cmocka_unit_test(db_open_other_version_is_refused),
        cmocka_unit_test(db_open_other_application_is_refused),
        cmocka_unit_test(db_open_truncated_file_is_damaged),
        cmocka_unit_test(db_open_longer_file_is_fine),
        cmocka_unit_test(query_run_of_complete_recording_gives_all_figures),
        cmocka_unit_test(query_processes_sink_that_fails_ends_the_query),
        cmocka_unit_test(query_site_sums_over_processes_or_takes_one),
        cmocka_unit_test(query_block_sites_of_everything_equals_the_aggregates),
        cmocka_unit_test(query_negative_count_is_damage),
        cmocka_unit_test(query_has_cut_stacks_tells_whether_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
