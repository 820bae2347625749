#include "../../analyzer/collect/go/gc_streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct gc_streams streams;

/* A line of a program that began at started_ns, read late_ns after the collection. */
static bool is_own(uint64_t cycle, uint64_t started_ns, uint64_t at_ns, uint64_t late_ns)
{
    const struct gc_cycle read = {.cycle = cycle, .since_start_ns = at_ns - started_ns};
    return gc_streams_is_own(&streams, &read, at_ns + late_ns);
}

static void gc_streams_is_own_one_program_owns_all(void **state)
{
    (void)state;
    gc_streams_begin(&streams, 5 * MS);

    for (uint64_t i = 1; i <= 100; i++) {
        assert_true(is_own(i, 5 * MS, 5 * MS + i * 10 * MS, (i % 7) * 20 * MS));
    }
}

static void gc_streams_is_own_lost_line_leaves_a_gap(void **state)
{
    (void)state;
    gc_streams_begin(&streams, 0);

    assert_true(is_own(1, 0, 10 * MS, 0));
    assert_true(is_own(5, 0, 50 * MS, 0));
    assert_true(is_own(6, 0, 60 * MS, 0));
}

static void gc_streams_is_own_child_with_the_same_count_is_told_by_its_start(void **state)
{
    (void)state;
    gc_streams_begin(&streams, 0);

    assert_true(is_own(1, 0, 20 * MS, 1 * MS));
    assert_false(is_own(1, 30 * MS, 40 * MS, 1 * MS));
    assert_false(is_own(2, 30 * MS, 50 * MS, 1 * MS));
    assert_false(is_own(3, 30 * MS, 55 * MS, 1 * MS));
    assert_true(is_own(2, 0, 60 * MS, 1 * MS));
    assert_false(is_own(4, 30 * MS, 70 * MS, 1 * MS));
    assert_true(is_own(3, 0, 80 * MS, 1 * MS));
}

static void gc_streams_is_own_more_programs_than_are_kept(void **state)
{
    (void)state;
    gc_streams_begin(&streams, 0);

    assert_true(is_own(1, 0, 10 * MS, 0));
    for (uint64_t i = 1; i < 3 * GC_STREAMS_MAX; i++) {
        assert_false(is_own(1, i * 100 * MS, i * 100 * MS + 5 * MS, 0));
    }
    assert_true(is_own(2, 0, 30000 * MS, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gc_streams_is_own_one_program_owns_all),
        cmocka_unit_test(gc_streams_is_own_lost_line_leaves_a_gap),
        cmocka_unit_test(gc_streams_is_own_child_with_the_same_count_is_told_by_its_start),
        cmocka_unit_test(gc_streams_is_own_more_programs_than_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
