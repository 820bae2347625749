#include "../../analyzer/analyses/warmup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef uint64_t frame_of_test(uint64_t frame);

/* Frames of 8-byte blocks that are all freed in them. */
static struct warmup find(frame_of_test *allocations, uint64_t total_count)
{
    static struct value_spread figures[FRAME_FIGURE_COUNT][FRAME_SPANS_MAX];
    struct warmup warmup = {.frame_count = 0};
    for (uint64_t frame = 0; frame < total_count; frame++) {
        uint64_t count = allocations(frame);
        const uint64_t values[FRAME_FIGURE_COUNT] = {count, count, 8 * count, 8 * count, 0};
        warmup_note(&warmup, frame, total_count, values);
        for (int i = 0; i < FRAME_FIGURE_COUNT; i++) {
            assert_int_equal(spread_add(&figures[i][frame_span_of(frame)], values[i]), 0);
        }
    }
    warmup_find(figures, total_count, &warmup);
    for (int i = 0; i < FRAME_FIGURE_COUNT; i++) {
        for (int span = 0; span < FRAME_SPANS_MAX; span++) {
            spread_fini(&figures[i][span]);
        }
    }
    memset(figures, 0, sizeof(figures));
    return warmup;
}

static uint64_t steady(uint64_t frame)
{
    return 3 + frame % 2;
}

static uint64_t loads_first(uint64_t frame)
{
    return frame < 20 ? 100 : 0;
}

static uint64_t grows_first(uint64_t frame)
{
    return frame < 100 ? frame : 100;
}

static uint64_t doubles(uint64_t frame)
{
    return (frame & (frame - 1)) == 0 && frame <= 256 ? 1 : 0;
}

static uint64_t bursts_once(uint64_t frame)
{
    return frame == 300 ? 50 : 0;
}

static uint64_t never_rests(uint64_t frame)
{
    return frame;
}

static void frame_span_start_is_where_the_span_begins(void **state)
{
    (void)state;
    assert_int_equal(frame_span_of(15), 15);
    assert_int_equal(frame_span_of(16), 16);
    assert_int_equal(frame_span_of(19), 16);
    assert_int_equal(frame_span_of(20), 17);
    for (unsigned span = 0; span + 1 < FRAME_SPANS_MAX; span++) {
        assert_int_equal(frame_span_of(frame_span_start(span)), span);
        assert_int_equal(frame_span_of(frame_span_start(span + 1) - 1), span);
    }
    assert_true(frame_span_of(UINT64_MAX) < FRAME_SPANS_MAX);
}

static void warmup_find_like_frames_leaves_out_the_first(void **state)
{
    (void)state;
    struct warmup warmup = find(steady, 1000);

    assert_int_equal(warmup.frame_count, 1);
    assert_int_equal(warmup.later_min[FRAME_ALLOCATION_COUNT], 3);
    assert_int_equal(warmup.later_max[FRAME_ALLOCATED_BYTES], 32);
    assert_true(warmup.is_known);
}

static void warmup_find_loading_ends_where_it_ends(void **state)
{
    (void)state;
    struct warmup warmup = find(loads_first, 1000);

    assert_int_equal(warmup.frame_count, 20);
    assert_int_equal(warmup.reason, FRAME_ALLOCATION_COUNT);
    assert_false(warmup.is_long);
    assert_int_equal(warmup.later_max[FRAME_ALLOCATION_COUNT], 0);
}

static void warmup_find_growth_ends_with_the_span_that_reaches_its_height(void **state)
{
    (void)state;
    struct warmup warmup = find(grows_first, 1000);

    assert_int_equal(warmup.frame_count, 112); /* the span of 96 to 111 */
}

static void warmup_find_cache_that_doubles_belongs_to_it(void **state)
{
    (void)state;
    struct warmup warmup = find(doubles, 10000);

    assert_int_equal(warmup.frame_count, 320); /* the span that begins with 256 */
}

static void warmup_find_late_outburst_is_none(void **state)
{
    (void)state;
    struct warmup warmup = find(bursts_once, 1000);

    assert_int_equal(warmup.frame_count, 1);
}

static void warmup_find_without_a_steady_state_says_so(void **state)
{
    (void)state;
    struct warmup warmup = find(never_rests, 1000);

    assert_true(warmup.is_long);
    assert_true(warmup.frame_count <= 500);
}

static void warmup_find_few_frames_is_not_known(void **state)
{
    (void)state;
    struct warmup few = find(loads_first, WARMUP_FRAMES_LEAST - 1);
    struct warmup one = find(loads_first, 1);
    struct warmup none = find(loads_first, 0);

    assert_false(few.is_known);
    assert_int_equal(few.frame_count, 1);
    assert_int_equal(one.frame_count, 0);
    assert_int_equal(none.frame_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_span_start_is_where_the_span_begins),
        cmocka_unit_test(warmup_find_like_frames_leaves_out_the_first),
        cmocka_unit_test(warmup_find_loading_ends_where_it_ends),
        cmocka_unit_test(warmup_find_growth_ends_with_the_span_that_reaches_its_height),
        cmocka_unit_test(warmup_find_cache_that_doubles_belongs_to_it),
        cmocka_unit_test(warmup_find_late_outburst_is_none),
        cmocka_unit_test(warmup_find_without_a_steady_state_says_so),
        cmocka_unit_test(warmup_find_few_frames_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
