#include <errno.h>

#include "fixture_recording.h"

#include "../../analyzer/model/matched_sites.h"

/* A recording with all that paths are made of. */
struct opened {
    struct fixture_recording fixture;
    struct trace *trace;
    struct selection selection;
    struct stack_tree *tree;
    struct frame_table *frames;
    struct err err;
};

static void open_changed(struct opened *opened, const char *sql)
{
    const struct selection_request all = {.from_ns = QUERY_NULL, .to_ns = QUERY_NULL};
    *opened = (struct opened){0};
    fixture_recording_make(&opened->fixture);
    fixture_recording_change(&opened->fixture, sql);
    if (trace_open(opened->fixture.path, &opened->trace, &opened->err) < 0 ||
        selection_resolve(opened->trace, &all, &opened->selection, &opened->err) < 0 ||
        stack_tree_load(opened->trace->db, &opened->tree, &opened->err) < 0 ||
        frame_table_load(opened->trace->db, &opened->frames, &opened->err) < 0) {
        fail_msg("%s", opened->err.text);
    }
}

static void close_opened(struct opened *opened)
{
    frame_table_destroy(opened->frames);
    stack_tree_destroy(opened->tree);
    selection_fini(&opened->selection);
    trace_close(opened->trace);
    fixture_recording_remove(&opened->fixture);
}

/* "main > grow", of the stack with that id. */
static void assert_path(struct opened *opened, const struct opened *other, uint32_t stack_id,
                        const char *expected)
{
    struct function_paths *paths = NULL;
    uint32_t *path_ids = NULL;
    char text[256] = "";
    assert_int_equal(function_paths_create(&paths, &opened->err), 0);

    int result = function_paths_add(paths, opened->trace, opened->tree, opened->frames,
                                    other->trace, &path_ids, &opened->err);

    assert_int_equal(result, 0);
    uint32_t at = path_ids[stack_tree_find(opened->tree, stack_id)];
    for (; at != FUNCTION_PATH_EMPTY; at = function_paths_caller(paths, at)) {
        char rest[256];
        (void)snprintf(rest, sizeof(rest), "%s", text);
        (void)snprintf(text, sizeof(text), "%.100s%s%.100s", function_paths_name(paths, at),
                       rest[0] != '\0' ? " > " : "", rest);
    }
    assert_string_equal(text, expected);
    free(path_ids);
    function_paths_destroy(paths);
}

static void function_paths_add_spells_inlined_functions(void **state)
{
    (void)state;
    struct opened opened;
    open_changed(&opened, "");

    assert_path(&opened, &opened, 2, "main > load_config > parse_line");
    assert_path(&opened, &opened, 12, "start_thread > worker_loop > make_job");

    close_opened(&opened);
}

static void function_paths_add_counts_recursion_once(void **state)
{
    (void)state;
    struct opened opened;
    /* main > build_table > grow > build_table > grow > xmalloc */
    open_changed(&opened, "INSERT INTO stack VALUES (20, 3, 7, 3), (21, 20, 5, 4), (22, 21, 7, 5),"
                          " (23, 22, 6, 6);");

    assert_path(&opened, &opened, 16, "(cut) > descend");
    assert_path(&opened, &opened, 21, "main > build_table");
    assert_path(&opened, &opened, 22, "main > build_table > grow");
    assert_path(&opened, &opened, 23, "main > build_table > grow > xmalloc");

    close_opened(&opened);
}

static void function_paths_add_takes_off_what_compilers_add(void **state)
{
    (void)state;
    struct opened opened;
    open_changed(&opened, "UPDATE frame SET function = 'grow.isra.0.part.1' WHERE id = 7;"
                          "UPDATE frame SET function = 'load(int) [clone .cold]' WHERE id = 2;");

    assert_path(&opened, &opened, 5, "main > grow");
    assert_path(&opened, &opened, 2, "main > load(int) > parse_line");

    close_opened(&opened);
}

static void function_paths_add_knows_nameless_functions_by_build(void **state)
{
    (void)state;
    struct opened opened;
    struct opened other;
    open_changed(&opened, "UPDATE frame SET function = 'server+0x1500' WHERE id = 7;");
    open_changed(&other, "UPDATE module SET build_id = 'another' WHERE id = 1;");

    assert_path(&opened, &opened, 5, "main > server+0x1500");
    assert_path(&opened, &other, 5, "main > [server]");

    close_opened(&other);
    close_opened(&opened);
}

static const struct site_pair *find_pair(const struct matched_sites *matched, const char *function)
{
    for (size_t i = 0; i < matched->count; i++) {
        const char *name = function_paths_name(matched->paths, matched->pairs[i].path_id);
        if (strcmp(name, function) == 0) {
            return &matched->pairs[i];
        }
    }
    fail_msg("no site of %s", function);
    return NULL;
}

static void matched_sites_load_pairs_and_sums(void **state)
{
    (void)state;
    struct opened old_side;
    struct opened new_side;
    struct matched_sites matched;
    open_changed(&old_side, "");
    open_changed(&new_side, "UPDATE site SET allocation_count = 25 WHERE stack_id = 4;"
                            "DELETE FROM site WHERE stack_id = 5;");
    const struct matched_side sides[SIDE_COUNT] = {
        {old_side.trace, &old_side.selection},
        {new_side.trace, &new_side.selection},
    };

    assert_int_equal(matched_sites_load(sides, &matched, &old_side.err), 0);

    assert_int_equal(matched.count, 6);
    assert_int_equal(matched_sites_sort(&matched, SITE_KEY_COUNT), 2);
    const struct site_pair *table = find_pair(&matched, "xmalloc");
    assert_ptr_equal(table, &matched.pairs[0]);
    assert_int_equal(table->sides[SIDE_OLD].values[SITE_KEY_COUNT], 5);
    assert_int_equal(table->sides[SIDE_NEW].values[SITE_KEY_COUNT], 50);
    assert_int_equal(site_pair_change(table, SITE_KEY_COUNT), 45);
    assert_int_equal(table->sides[SIDE_OLD].stack_id, 4);
    const struct site_pair *grow = find_pair(&matched, "grow");
    assert_int_equal(grow->sides[SIDE_NEW].stack_count, 0);
    assert_int_equal(site_pair_change(grow, SITE_KEY_MOVED), -448);
    assert_int_equal(matched.totals[SIDE_OLD].values[SITE_KEY_COUNT], 30);
    assert_true(site_pair_margin(grow->sides, SITE_KEY_COUNT) == 0);
    matched_sites_fini(&matched);
    close_opened(&new_side);
    close_opened(&old_side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(function_paths_add_spells_inlined_functions),
        cmocka_unit_test(function_paths_add_counts_recursion_once),
        cmocka_unit_test(function_paths_add_takes_off_what_compilers_add),
        cmocka_unit_test(function_paths_add_knows_nameless_functions_by_build),
        cmocka_unit_test(matched_sites_load_pairs_and_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
