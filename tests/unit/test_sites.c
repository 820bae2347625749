#include <errno.h>

#include "fixture_recording.h"

#include "../../analyzer/model/call_tree.h"
#include "../../analyzer/model/sites.h"
#include "../../analyzer/model/stacks.h"
#include "../../analyzer/model/timeline.h"
#include "../../analyzer/model/wrappers.h"

#define ALL_KEYS (SITE_KEY_BIT(SITE_KEY_COUNT_ALL) - 1)

struct opened {
    struct fixture_recording fixture;
    struct trace *trace;
    struct selection selection;
    struct sites *sites;
    struct err err;
};

static const struct selection_request nothing_asked = {
    .from_ns = QUERY_NULL,
    .to_ns = QUERY_NULL,
};

static void open_sites(struct opened *opened, const char *sql,
                       const struct selection_request *request, uint64_t within)
{
    fixture_recording_make(&opened->fixture);
    fixture_recording_change(&opened->fixture, sql);
    opened->trace = NULL;
    opened->sites = NULL;
    if (trace_open(opened->fixture.path, &opened->trace, &opened->err) < 0 ||
        selection_resolve(opened->trace, request, &opened->selection, &opened->err) < 0 ||
        sites_load(opened->trace, &opened->selection, ALL_KEYS, within, &opened->sites,
                   &opened->err) < 0) {
        fail_msg("%s", opened->err.text);
    }
}

static void close_sites(struct opened *opened)
{
    sites_destroy(opened->sites);
    selection_fini(&opened->selection);
    trace_close(opened->trace);
    fixture_recording_remove(&opened->fixture);
}

static void sites_top_sorts_and_breaks_ties_by_stack(void **state)
{
    (void)state;
    struct opened opened;
    open_sites(&opened, "", &nothing_asked, 1);
    const uint32_t by_count[] = {2, 4, 5, 13, 9, 16};
    size_t *places = NULL;

    int count = sites_top(opened.sites, SITE_KEY_COUNT, 100, &places, &opened.err);

    assert_int_equal(count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(sites_stack_id(opened.sites, places[i]), by_count[i]);
    }
    free(places);
    close_sites(&opened);
}

static void sites_top_with_huge_limit_equals_small_steps(void **state)
{
    (void)state;
    struct opened opened;
    open_sites(&opened, "", &nothing_asked, 128);
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        size_t *all = NULL;
        int all_count = sites_top(opened.sites, (enum site_key)key, 100000, &all, &opened.err);
        for (int limit = 1; limit <= all_count + 1; limit++) {
            size_t *some = NULL;

            int count =
                sites_top(opened.sites, (enum site_key)key, (size_t)limit, &some, &opened.err);

            assert_int_equal(count, limit < all_count ? limit : all_count);
            assert_memory_equal(some, all, (size_t)count * sizeof(*all));
            free(some);
        }
        free(all);
    }
    close_sites(&opened);
}

static void sites_of_two_processes_are_summed(void **state)
{
    (void)state;
    struct opened opened;
    open_sites(&opened, "", &nothing_asked, 1);

    assert_int_equal(sites_count(opened.sites), 6);
    assert_int_equal(sites_stack_id(opened.sites, 0), 2);
    assert_int_equal(sites_value(opened.sites, 0, SITE_KEY_COUNT), 14);
    assert_int_equal(sites_value(opened.sites, 0, SITE_KEY_TEMPORARY), 14);
    assert_int_equal(sites_total(opened.sites, SITE_KEY_COUNT), 30);
    assert_int_equal(sites_total(opened.sites, SITE_KEY_PEAK), 205704);
    assert_int_equal(sites_total(opened.sites, SITE_KEY_TEMPORARY), 18);
    close_sites(&opened);
}

static void sites_temporary_grows_with_within(void **state)
{
    (void)state;
    const struct {
        uint64_t within;
        uint64_t temporary_count;
    } cases[] = {{1, 18}, {2, 20}, {4, 22}, {8, 22}, {128, 23}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct opened opened;

        open_sites(&opened, "", &nothing_asked, cases[i].within);

        assert_int_equal(sites_total(opened.sites, SITE_KEY_TEMPORARY), cases[i].temporary_count);
        close_sites(&opened);
    }
}

static void sites_by_thread_know_only_what_blocks_tell(void **state)
{
    (void)state;
    struct selection_request request = nothing_asked;
    request.thread = "worker";
    struct opened opened;

    open_sites(&opened, "", &request, 1);

    assert_int_equal(sites_count(opened.sites), 1);
    assert_int_equal(sites_total(opened.sites, SITE_KEY_COUNT), 4);
    assert_false(sites_has_key(opened.sites, SITE_KEY_PEAK));
    assert_false(sites_has_key(opened.sites, SITE_KEY_TIME));
    assert_false(sites_has_key(opened.sites, SITE_KEY_TEMPORARY));
    close_sites(&opened);
}

static void sites_by_function_match_inlined_and_outer_frames(void **state)
{
    (void)state;
    const struct {
        const char *function;
        size_t site_count;
    } cases[] = {{"parse_line", 1}, {"load_config", 1}, {"main", 4}, {"*", 6}, {"nothing", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct selection_request request = nothing_asked;
        request.function = cases[i].function;
        struct opened opened;

        open_sites(&opened, "", &request, 1);

        assert_int_equal(sites_count(opened.sites), cases[i].site_count);
        close_sites(&opened);
    }
}

static void stacks_expand_shows_inlined_frames_and_skips_wrappers(void **state)
{
    (void)state;
    struct opened opened;
    open_sites(&opened, "", &nothing_asked, 1);
    struct stacks *stacks = NULL;
    assert_int_equal(stacks_create(opened.trace->db, &stacks, &opened.err), 0);
    struct call_stack inlined;
    struct call_stack wrapped;
    struct call_stack cut;

    assert_int_equal(stacks_expand(stacks, 2, &inlined, &opened.err), 0);
    assert_int_equal(stacks_expand(stacks, 9, &wrapped, &opened.err), 0);
    assert_int_equal(stacks_expand(stacks, 16, &cut, &opened.err), 0);

    assert_int_equal(inlined.count, 3);
    assert_string_equal(inlined.frames[0]->function, "parse_line");
    assert_true(inlined.frames[0]->is_inlined);
    assert_string_equal(inlined.frames[1]->function, "load_config");
    assert_false(inlined.frames[1]->is_inlined);
    assert_string_equal(call_stack_shown(&wrapped)->function, "simulate");
    assert_true(cut.is_cut);
    assert_int_equal(cut.count, 2);
    call_stack_fini(&inlined);
    call_stack_fini(&wrapped);
    call_stack_fini(&cut);
    assert_int_equal(stacks_expand(stacks, 99, &cut, &opened.err), -ENOENT);
    stacks_destroy(stacks);
    close_sites(&opened);
}

static void call_tree_build_joins_chains_and_calls_of_one_function(void **state)
{
    (void)state;
    struct opened opened;
    open_sites(&opened, "", &nothing_asked, 1);
    struct stacks *stacks = NULL;
    struct call_tree tree;
    assert_int_equal(stacks_create(opened.trace->db, &stacks, &opened.err), 0);

    assert_int_equal(call_tree_build(opened.trace->db, stacks, opened.sites, SITE_KEY_COUNT, 0, 100,
                                     &tree, &opened.err),
                     0);

    assert_int_equal(tree.total, 30);
    assert_int_equal(tree.hidden_count, 0);
    assert_int_equal(tree.count, 7);
    assert_string_equal(tree.nodes[0].names, "main"); /* two lines of it */
    assert_int_equal(tree.nodes[0].value, 25);
    assert_string_equal(tree.nodes[1].names, "load_config > parse_line");
    assert_int_equal(tree.nodes[1].parent, 0);
    assert_int_equal(tree.nodes[1].own, 14);
    uint64_t own_sum = 0;
    for (size_t i = 0; i < tree.count; i++) {
        own_sum += tree.nodes[i].own;
        assert_true(tree.nodes[i].parent == SIZE_MAX || tree.nodes[i].parent < i);
    }
    assert_int_equal(own_sum, 30);
    call_tree_fini(&tree);
    stacks_destroy(stacks);
    close_sites(&opened);
}

static void timeline_fill_keeps_counts_and_levels(void **state)
{
    (void)state;
    struct timeline_row rows[] = {
        {.at_ns = 0, .width_ns = 10, .live_bytes = 5, .allocation_count = 7, .rss_bytes = 100},
        {.at_ns = 10, .width_ns = 10, .live_bytes = 9, .rss_bytes = QUERY_NULL},
        {.at_ns = 20, .width_ns = 10, .live_bytes = 2, .allocation_count = 3, .rss_bytes = 300},
        {.at_ns = 30, .width_ns = 10, .live_bytes = 1, .rss_bytes = QUERY_NULL},
    };
    const struct timeline timeline = {.rows = rows, .count = 4, .from_ns = 0, .to_ns = 40};
    for (size_t count = 1; count <= 64; count++) {
        struct timeline_bin bins[64];
        double allocation_count = 0;
        int64_t most_live = 0;

        timeline_fill(&timeline, bins, count);

        for (size_t i = 0; i < count; i++) {
            allocation_count += bins[i].allocation_count;
            most_live = bins[i].live_bytes > most_live ? bins[i].live_bytes : most_live;
        }
        assert_true(allocation_count > 9.999 && allocation_count < 10.001);
        assert_int_equal(most_live, 9);
        assert_true(count < 4 || bins[count / 4].rss_bytes == 100); /* held between samples */
        assert_true(count < 8 || bins[count - 1].rss_bytes == -1);  /* not beyond the last one */
    }
}

static void wrapper_is_allocator_knows_wrappers_and_leaves_the_rest(void **state)
{
    (void)state;
    static const char *const wrappers[] = {
        "malloc",
        "operator new(unsigned long)",
        "operator new[](unsigned long, std::align_val_t)",
        "void std::vector<int, std::allocator<int> >::push_back(int const&)",
        "std::allocator<char>::allocate(unsigned long)",
        "__gnu_cxx::new_allocator<int>::allocate(unsigned long, void const*)",
        "xmalloc",
        "xmalloc.part.0",
        "g_malloc0",
        "malloc@plt",
    };
    static const char *const others[] = {
        "main", "malloc_stats_print", "xmalloc_report", "operator+", "mystd::vector",
        "",     "server+0x12",
    };
    for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
        assert_true(wrapper_is_allocator(wrappers[i]));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(wrapper_is_allocator(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_top_sorts_and_breaks_ties_by_stack),
        cmocka_unit_test(sites_top_with_huge_limit_equals_small_steps),
        cmocka_unit_test(sites_of_two_processes_are_summed),
        cmocka_unit_test(sites_temporary_grows_with_within),
        cmocka_unit_test(sites_by_thread_know_only_what_blocks_tell),
        cmocka_unit_test(sites_by_function_match_inlined_and_outer_frames),
        cmocka_unit_test(stacks_expand_shows_inlined_frames_and_skips_wrappers),
        cmocka_unit_test(call_tree_build_joins_chains_and_calls_of_one_function),
        cmocka_unit_test(timeline_fill_keeps_counts_and_levels),
        cmocka_unit_test(wrapper_is_allocator_knows_wrappers_and_leaves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
