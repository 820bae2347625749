#include <errno.h>

#include "block_rows.h"

#include "../../analyzer/db/open.h"
#include "../../analyzer/model/operations.h"

enum {
    SHOWN_BYTES = 4096,
};

struct opened {
    struct fixture_recording fixture;
    struct db *db;
    struct operations *operations;
    struct err err;
};

static void open_blocks(struct opened *opened, const char *rows)
{
    block_rows_make(&opened->fixture, rows);
    opened->operations = NULL;
    if (db_open(opened->fixture.path, &opened->db, &opened->err) < 0 ||
        operations_open(opened->db, 1, &opened->operations, &opened->err) < 0) {
        fail_msg("%s", opened->err.text);
    }
}

static void close_blocks(struct opened *opened)
{
    operations_close(opened->operations);
    db_close(opened->db);
    fixture_recording_remove(&opened->fixture);
}

/* Each operation as "at+id", "at-id" or "at:old>id", with "/thread", ", "-separated. */
static void show(struct opened *opened, char shown[SHOWN_BYTES])
{
    static const char *const forms[] = {
        [OPERATION_ALLOC] = "+",
        [OPERATION_FREE] = "-",
        [OPERATION_REALLOC] = ">",
    };
    struct operation operation;
    size_t used = 0;
    int result;
    shown[0] = '\0';
    while ((result = operations_next(opened->operations, &operation, &opened->err)) > 0) {
        used += (size_t)snprintf(shown + used, SHOWN_BYTES - used, "%s%llu%s", used > 0 ? " " : "",
                                 (unsigned long long)operation.at_ns,
                                 operation.kind == OPERATION_REALLOC ? ":" : "");
        if (operation.kind == OPERATION_REALLOC) {
            used += (size_t)snprintf(shown + used, SHOWN_BYTES - used, "%llu",
                                     (unsigned long long)operation.ended.id);
        }
        used += (size_t)snprintf(
            shown + used, SHOWN_BYTES - used, "%s%llu/%u", forms[operation.kind],
            (unsigned long long)(operation.kind == OPERATION_FREE ? operation.ended.id
                                                                  : operation.made.id),
            operation.thread_id);
        assert_true(used < SHOWN_BYTES);
    }
    assert_int_equal(result, 0);
}

static void expect(const char *rows, const char *wanted)
{
    struct opened opened;
    char shown[SHOWN_BYTES];
    open_blocks(&opened, rows);

    show(&opened, shown);

    assert_string_equal(shown, wanted);
    close_blocks(&opened);
}

static void operations_next_merges_births_and_deaths_by_time(void **state)
{
    (void)state;
    expect("(20, 10, 8, 1, NULL, NULL, 1), (10, 30, 8, 1, NULL, NULL, 2),"
           "(5, NULL, 8, 2, NULL, NULL, 3)",
           "5+3/1 10+2/1 20+1/1 30-1/1 40-2/1");
}

static void operations_next_at_one_time_frees_first(void **state)
{
    (void)state;
    expect("(10, 10, 8, 1, NULL, NULL, 1), (20, 5, 8, 1, NULL, NULL, 2)",
           "10+1/1 20-1/1 20+2/1 25-2/1");
}

static void operations_next_bears_a_block_before_it_frees_it(void **state)
{
    (void)state;
    expect("(10, 10, 8, 1, NULL, NULL, 1), (20, 0, 8, 1, NULL, NULL, 2),"
           "(20, 4, 8, 1, NULL, NULL, 3)",
           "10+1/1 20-1/1 20+2/1 20-2/1 20+3/1 24-3/1");
}

static void operations_next_realloc_is_one_operation_at_the_new_block(void **state)
{
    (void)state;
    expect("(10, 5, 8, 3, NULL, NULL, 1), (12, 5, 8, 1, NULL, NULL, 2), (16, 4, 16, 4, 1, NULL, 3)",
           "10+1/1 12+2/1 16:1>3/1 17-2/1 20-3/1");
}

static void operations_next_follows_a_chain_of_reallocs_at_one_time(void **state)
{
    (void)state;
    expect("(10, 0, 8, 3, NULL, NULL, 1), (10, 0, 9, 3, 1, NULL, 2), (10, NULL, 10, 9, 2, NULL, 3)",
           "10+1/1 10:1>2/1 10:2>3/1");
}

static void operations_next_realloc_to_nothing_is_a_free(void **state)
{
    (void)state;
    expect("(10, 5, 8, 3, NULL, NULL, 1), (30, 5, 8, 4, NULL, NULL, 2)",
           "10+1/1 15-1/1 30+2/1 35-2/1");
}

static void operations_next_leaves_out_mappings_and_other_processes(void **state)
{
    (void)state;
    expect("(10, 5, 4096, 7, NULL, NULL, 1), (11, 9, 8, 8, NULL, NULL, 2),"
           "(12, 5, 8, 5, NULL, NULL, 3), (15, NULL, 4096, 7, 1, NULL, 4)",
           "12+3/1 17-3/2");
}

static void operations_next_never_goes_back_in_time(void **state)
{
    (void)state;
    expect("(10, 20, 8, 1, NULL, NULL, 1), (10, 15, 8, 1, NULL, NULL, 2),"
           "(27, NULL, 8, 2, NULL, NULL, 3)",
           "10+1/1 10+2/1 27+3/1 30-1/1 30-2/1");
}

static void operations_next_tells_size_alignment_and_zeroing(void **state)
{
    (void)state;
    struct opened opened;
    struct operation aligned;
    struct operation zeroed;
    open_blocks(&opened, "(20, 10, 24, 5, NULL, NULL, 1), (10, NULL, 100, 6, NULL, 256, 2)");

    assert_int_equal(operations_next(opened.operations, &aligned, &opened.err), 1);
    assert_int_equal(operations_next(opened.operations, &zeroed, &opened.err), 1);

    assert_int_equal(aligned.made.size_bytes, 100);
    assert_int_equal(aligned.alignment, 256);
    assert_int_equal(aligned.alloc_kind, ALLOC_KIND_MEMALIGN);
    assert_false(aligned.is_zeroed);
    assert_int_equal(zeroed.made.size_bytes, 24);
    assert_int_equal(zeroed.alignment, 0);
    assert_true(zeroed.is_zeroed);
    close_blocks(&opened);
}

static void operations_next_of_an_empty_process_ends_at_once(void **state)
{
    (void)state;
    expect("(11, 9, 8, 8, NULL, NULL, 1)", "");
}

static void operations_next_strange_kind_is_damage(void **state)
{
    (void)state;
    struct opened opened;
    struct operation operation;
    open_blocks(&opened, "(10, 5, 8, 1, NULL, NULL, 1)");
    operations_close(opened.operations);
    db_close(opened.db);
    fixture_recording_change(&opened.fixture, "UPDATE context SET alloc_kind_id = 99");
    assert_int_equal(db_open(opened.fixture.path, &opened.db, &opened.err), 0);
    assert_int_equal(operations_open(opened.db, 1, &opened.operations, &opened.err), 0);

    int result = operations_next(opened.operations, &operation, &opened.err);

    assert_int_equal(result, -EBADMSG);
    assert_non_null(strstr(opened.err.text, "damaged"));
    close_blocks(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_next_merges_births_and_deaths_by_time),
        cmocka_unit_test(operations_next_at_one_time_frees_first),
        cmocka_unit_test(operations_next_bears_a_block_before_it_frees_it),
        cmocka_unit_test(operations_next_realloc_is_one_operation_at_the_new_block),
        cmocka_unit_test(operations_next_follows_a_chain_of_reallocs_at_one_time),
        cmocka_unit_test(operations_next_realloc_to_nothing_is_a_free),
        cmocka_unit_test(operations_next_leaves_out_mappings_and_other_processes),
        cmocka_unit_test(operations_next_never_goes_back_in_time),
        cmocka_unit_test(operations_next_tells_size_alignment_and_zeroing),
        cmocka_unit_test(operations_next_of_an_empty_process_ends_at_once),
        cmocka_unit_test(operations_next_strange_kind_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
