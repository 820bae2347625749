#include <errno.h>

#include "fixture_recording.h"

#include "../../analyzer/model/flame_tree.h"

#define ALL_KEYS (SITE_KEY_BIT(SITE_KEY_COUNT_ALL) - 1)

struct opened_tree {
    struct fixture_recording fixture;
    struct trace *trace;
    struct selection selection;
    struct sites *sites;
    struct err err;
};

static void open_tree(struct opened_tree *opened, const char *sql)
{
    const struct selection_request request = {.from_ns = QUERY_NULL, .to_ns = QUERY_NULL};
    *opened = (struct opened_tree){.trace = NULL};
    fixture_recording_make(&opened->fixture);
    fixture_recording_change(&opened->fixture, sql);
    if (trace_open(opened->fixture.path, &opened->trace, &opened->err) < 0 ||
        selection_resolve(opened->trace, &request, &opened->selection, &opened->err) < 0 ||
        sites_load(opened->trace, &opened->selection, ALL_KEYS, 1, &opened->sites, &opened->err) <
            0) {
        fail_msg("%s", opened->err.text);
    }
}

static void close_tree(struct opened_tree *opened)
{
    sites_destroy(opened->sites);
    selection_fini(&opened->selection);
    trace_close(opened->trace);
    fixture_recording_remove(&opened->fixture);
}

static uint64_t sum_of(const struct flame_tree *tree, unsigned key)
{
    uint64_t sum = tree->smaller[key][tree->count];
    for (size_t i = 0; i < tree->count; i++) {
        sum += tree->own[key][i] + tree->smaller[key][i];
    }
    return sum;
}

static void flame_tree_of_any_size_has_all_sums(void **state)
{
    (void)state;
    struct opened_tree opened;
    open_tree(&opened, "");
    size_t whole_count = 0;
    for (size_t limit = 100; limit-- > 0;) {
        struct flame_tree tree;
        int result = flame_tree_build(opened.trace->db, opened.sites, ALL_KEYS, limit, NULL, 0,
                                      &tree, &opened.err);
        assert_int_equal(result, 0);
        whole_count = limit == 99 ? tree.count : whole_count;

        assert_int_equal(tree.count, limit < whole_count ? limit : whole_count);
        assert_int_equal(tree.count + tree.left_out_count, whole_count);
        for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
            assert_int_equal(sum_of(&tree, key), sites_total(opened.sites, (enum site_key)key));
            assert_int_equal(tree.totals[key], sites_total(opened.sites, (enum site_key)key));
        }
        for (size_t i = 0; i < tree.count; i++) {
            bool is_root = tree.nodes[i].parent == FLAME_TREE_NONE;
            assert_true(is_root || tree.nodes[i].parent < i);
            assert_int_equal(flame_tree_find(&tree, tree.nodes[i].stack_id), i);
        }
        flame_tree_fini(&tree);
    }
    assert_true(whole_count > 6);
    close_tree(&opened);
}

static void flame_tree_own_values_are_those_of_the_sites(void **state)
{
    (void)state;
    struct opened_tree opened;
    struct flame_tree tree;
    open_tree(&opened, "");

    assert_int_equal(flame_tree_build(opened.trace->db, opened.sites, ALL_KEYS, 1000, NULL, 0,
                                      &tree, &opened.err),
                     0);

    uint64_t seen_count = 0;
    for (size_t site = 0; site < sites_count(opened.sites); site++) {
        uint32_t node = flame_tree_find(&tree, sites_stack_id(opened.sites, site));
        uint64_t value = sites_value(opened.sites, site, SITE_KEY_COUNT);
        assert_true(node != FLAME_TREE_NONE || value == 0);
        if (node != FLAME_TREE_NONE) {
            assert_int_equal(tree.own[SITE_KEY_COUNT][node], value);
            seen_count += value;
        }
    }
    assert_int_equal(seen_count, tree.totals[SITE_KEY_COUNT]);
    flame_tree_fini(&tree);
    close_tree(&opened);
}

static void flame_tree_keeps_wanted_stacks_with_their_callers(void **state)
{
    (void)state;
    struct opened_tree opened;
    struct flame_tree tree;
    open_tree(&opened, "");
    const uint32_t wanted[] = {16, 4711};

    assert_int_equal(flame_tree_build(opened.trace->db, opened.sites, SITE_KEY_BIT(SITE_KEY_BYTES),
                                      0, wanted, 2, &tree, &opened.err),
                     0);

    uint32_t node = flame_tree_find(&tree, 16);
    assert_true(node != FLAME_TREE_NONE);
    size_t depth = 0;
    while (node != FLAME_TREE_NONE) {
        node = tree.nodes[node].parent;
        depth++;
    }
    assert_int_equal(depth, tree.count);
    assert_int_equal(flame_tree_find(&tree, 4711), FLAME_TREE_NONE);
    assert_null(tree.own[SITE_KEY_COUNT]);
    assert_int_equal(sum_of(&tree, SITE_KEY_BYTES), sites_total(opened.sites, SITE_KEY_BYTES));
    flame_tree_fini(&tree);
    close_tree(&opened);
}

static void flame_tree_of_nothing_is_empty(void **state)
{
    (void)state;
    struct opened_tree opened;
    struct flame_tree tree;
    open_tree(&opened, "DELETE FROM site; DELETE FROM temporary; DELETE FROM block;"
                       "DELETE FROM context; DELETE FROM stack;");

    assert_int_equal(flame_tree_build(opened.trace->db, opened.sites, ALL_KEYS, 1000, NULL, 0,
                                      &tree, &opened.err),
                     0);

    assert_int_equal(tree.count, 0);
    assert_int_equal(sum_of(&tree, SITE_KEY_COUNT), 0);
    flame_tree_fini(&tree);
    close_tree(&opened);
}

static void flame_tree_of_damaged_stacks_fails(void **state)
{
    (void)state;
    struct opened_tree opened;
    struct flame_tree tree;
    open_tree(&opened, "UPDATE stack SET parent_id = 16 WHERE id = 14;");

    assert_int_equal(flame_tree_build(opened.trace->db, opened.sites, ALL_KEYS, 1000, NULL, 0,
                                      &tree, &opened.err),
                     -EBADMSG);

    close_tree(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flame_tree_of_any_size_has_all_sums),
        cmocka_unit_test(flame_tree_own_values_are_those_of_the_sites),
        cmocka_unit_test(flame_tree_keeps_wanted_stacks_with_their_callers),
        cmocka_unit_test(flame_tree_of_nothing_is_empty),
        cmocka_unit_test(flame_tree_of_damaged_stacks_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
