#include "block_rows.h"

#include "../../analyzer/analyses/own_arenas.h"

enum {
    SITE = 2, /* the stack of all rows */
};

static struct own_arena measure(const char *rows, uint32_t stack_id)
{
    struct fixture_recording fixture;
    struct trace *trace;
    struct err err;
    struct own_arena arena = {.stack_id = stack_id};
    block_rows_make(&fixture, rows);
    if (trace_open(fixture.path, &trace, &err) < 0 ||
        own_arenas_measure(trace, 1, &arena, 1, &err) < 0) {
        fail_msg("%s", err.text);
    }
    trace_close(trace);
    fixture_recording_remove(&fixture);
    assert_int_equal(arena.stack_id, stack_id);
    return arena;
}

/* From 10 to 40: a page for the first block, two from 20 on, one again from 30 on. */
static void own_arenas_measure_follows_pages(void **state)
{
    (void)state;
    static const char rows[] = "(10, NULL, 16, 2, NULL, NULL, 1), (20, 10, 4096, 1, NULL, NULL, 2),"
                               "(40, NULL, 16, 2, NULL, NULL, 3)";
    struct own_arena arena = measure(rows, SITE);
    assert_int_equal(arena.peak_bytes, 2 * 4096);
    assert_int_equal(arena.end_bytes, 4096);
    assert_int_equal(arena.mean_bytes, (4096 * 10 + 8192 * 10 + 4096 * 10) / 30);
}

static void own_arenas_measure_leaves_other_sites_out(void **state)
{
    (void)state;
    struct own_arena arena = measure("(10, NULL, 16, 2, NULL, NULL, 1)", SITE + 1);
    assert_int_equal(arena.peak_bytes, 0);
    assert_int_equal(arena.mean_bytes, 0);
    assert_int_equal(arena.end_bytes, 0);
}

/* One call has no time between calls. */
static void own_arenas_measure_one_call(void **state)
{
    (void)state;
    struct own_arena arena = measure("(10, NULL, 16, 2, NULL, NULL, 1)", SITE);
    assert_int_equal(arena.peak_bytes, 4096);
    assert_int_equal(arena.mean_bytes, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_arenas_measure_follows_pages),
        cmocka_unit_test(own_arenas_measure_leaves_other_sites_out),
        cmocka_unit_test(own_arenas_measure_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
