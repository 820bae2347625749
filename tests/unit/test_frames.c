#include "analysis_recording.h"

#include "../../analyzer/analyses/frames.h"

#define NUMBERS(from, to)                                                                          \
    "WITH RECURSIVE n (f) AS (SELECT " #from " UNION ALL SELECT f + 1 FROM n WHERE f < " #to ")"

/* Frame f of thread 1 lasts from f * 1000 to f * 1000 + 900. */
#define MARKS_OF_THREAD_1(from, to)                                                                \
    "INSERT INTO mark SELECT NULL, 1, 1, f * 1000 + 900, 'frame', '' FROM (" NUMBERS(              \
        from, to) " SELECT f FROM n);"

/* One block per frame, born at `born` within it and freed `died` after the frame's begin. */
#define BLOCKS(from, to, born, died, size, context)                                                \
    "INSERT INTO given SELECT f * 1000 + " #born ", f * 1000 + " #died ", " #size ", " #context    \
    " FROM (" NUMBERS(from, to) " SELECT f FROM n);"

static const struct frames *run(struct analysis_recording *recording, const char *sql)
{
    analysis_recording_make(recording, sql);
    return analysis_recording_run(recording, &frames_analysis);
}

static void frames_without_marks_are_none(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct frames *frames = run(&recording, BLOCKS(0, 9, 10, 20, 8, 1));

    assert_int_equal(frames->series_count, 0);
    analysis_recording_remove(&recording);
}

static void frames_know_each_figure(void **state)
{
    (void)state;
    struct analysis_recording recording;

    /* In each frame: 100 bytes freed in it, then 40 that live for two frames more; at one moment 40
     * and 100. In the first 16 also 7 blocks of 1 byte. */
    const struct frames *frames =
        run(&recording, MARKS_OF_THREAD_1(0, 99) BLOCKS(0, 99, 100, 200, 100, 1)
                            BLOCKS(0, 99, 150, 2150, 40, 21) BLOCKS(0, 15, 300, 310, 1, 1)
                                BLOCKS(0, 15, 301, 310, 1, 1) BLOCKS(0, 15, 302, 310, 1, 1));

    assert_int_equal(frames->series_count, 1);
    const struct frame_series *series = &frames->series[0];
    assert_string_equal(series->name, "");
    assert_int_equal(series->thread_count, 1);
    assert_int_equal(series->frame_count, 100);
    assert_int_equal(series->warmup.frame_count, 16);
    assert_int_equal(series->warmup.later_min[FRAME_ALLOCATION_COUNT], 2);
    assert_int_equal(series->warmup.later_max[FRAME_ALLOCATION_COUNT], 2);
    assert_int_equal(series->steady_frame_count, 84);
    assert_int_equal(series->allocating_frame_count, 84);
    assert_int_equal(series->warmup_figures[FRAME_ALLOCATION_COUNT].max, 5);
    const uint64_t wanted[FRAME_FIGURE_COUNT] = {
        [FRAME_ALLOCATION_COUNT] = 2, [FRAME_FREE_COUNT] = 2,     [FRAME_ALLOCATED_BYTES] = 140,
        [FRAME_PEAK_BYTES] = 140,     [FRAME_SURVIVOR_COUNT] = 1,
    };
    for (int i = 0; i < FRAME_FIGURE_COUNT; i++) {
        assert_int_equal(series->figures[i].p50, wanted[i]);
        assert_int_equal(series->figures[i].p99, wanted[i]);
        assert_int_equal(series->figures[i].max, wanted[i]);
    }
    analysis_recording_remove(&recording);
}

static void frames_tell_sites_that_are_contained_from_others(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct frames *frames =
        run(&recording, MARKS_OF_THREAD_1(0, 99) BLOCKS(0, 99, 100, 200, 100, 1)
                            BLOCKS(0, 99, 150, 160, 100, 1) BLOCKS(10, 49, 150, 2150, 40, 21));

    const struct frame_series *series = &frames->series[0];
    assert_int_equal(series->site_count, 2);
    const struct frame_site *whole = &series->sites[0];
    assert_int_equal(whole->stack_id, 2);
    assert_int_equal(whole->allocation_count + whole->warmup_allocation_count, 200);
    assert_int_equal(whole->contained_count, whole->allocation_count);
    assert_int_equal(whole->late_count, 0);
    assert_int_equal(whole->frame_count, series->steady_frame_count);
    const struct frame_site *late = &series->sites[1];
    assert_int_equal(late->stack_id, 5);
    assert_int_equal(late->contained_count, 0);
    assert_int_equal(late->late_count, 40);
    assert_int_equal(late->drag_sum, 80);
    assert_int_equal(late->drag_max, 2);
    analysis_recording_remove(&recording);
}

static void frames_find_the_one_that_allocates_after_the_warmup(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct frames *frames =
        run(&recording, MARKS_OF_THREAD_1(0, 999) BLOCKS(0, 3, 100, 200000, 100, 1)
                            BLOCKS(300, 300, 100, 110, 24, 21));

    const struct frame_series *series = &frames->series[0];
    assert_int_equal(series->warmup.frame_count, 4);
    assert_int_equal(series->allocating_frame_count, 1);
    assert_int_equal(series->figures[FRAME_ALLOCATION_COUNT].p99, 0);
    assert_int_equal(series->figures[FRAME_ALLOCATION_COUNT].max, 1);
    assert_int_equal(series->sites[0].stack_id, 5);
    assert_int_equal(series->sites[0].allocation_count, 1);
    assert_int_equal(series->sites[1].allocation_count, 0);
    assert_int_equal(series->sites[1].warmup_allocation_count, 4);
    analysis_recording_remove(&recording);
}

static void frames_without_allocations_after_the_warmup_are_seen(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct frames *frames =
        run(&recording, MARKS_OF_THREAD_1(0, 999) BLOCKS(0, 3, 100, 200000, 100, 1)
                            BLOCKS(1000, 1004, 10, 20, 8, 1));

    const struct frame_series *series = &frames->series[0];
    assert_int_equal(series->allocating_frame_count, 0);
    assert_int_equal(series->figures[FRAME_ALLOCATION_COUNT].max, 0);
    assert_int_equal(series->after_allocation_count, 5);
    analysis_recording_remove(&recording);
}

static void frames_of_threads_are_their_own(void **state)
{
    (void)state;
    struct analysis_recording recording;

    /* Thread 2's frames are ten times as long; what it allocates (10) thread 1 frees. */
    const struct frames *frames =
        run(&recording, MARKS_OF_THREAD_1(0, 99) BLOCKS(0, 99, 100, 200, 100, 1)
                            BLOCKS(0, 99, 300, 310, 16, 10) "INSERT INTO mark SELECT NULL, 1, 2, "
                                                            "f * 10000 + 9999, 'frame', '' FROM "
                                                            "(" NUMBERS(0, 9) " SELECT f FROM n);");

    const struct frame_series *series = &frames->series[0];
    assert_int_equal(series->thread_count, 2);
    assert_int_equal(series->frame_count, 110);
    assert_int_equal(series->figures[FRAME_ALLOCATION_COUNT].p50, 1);
    assert_int_equal(series->figures[FRAME_ALLOCATION_COUNT].max, 10);
    assert_int_equal(series->figures[FRAME_FREE_COUNT].max, 2);
    assert_int_equal(series->figures[FRAME_SURVIVOR_COUNT].max, 0);
    analysis_recording_remove(&recording);
}

static void frames_under_names_make_series(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct frames *frames =
        run(&recording,
            MARKS_OF_THREAD_1(0, 19) BLOCKS(
                0, 19, 100, 200, 100,
                1) "INSERT INTO mark VALUES "
                   "(NULL, 1, 1, 9950, 'frame', 'swap'), (NULL, 1, 1, 19950, 'frame', 'swap'),"
                   "(NULL, 1, 1, 500, 'mark', 'here'), (NULL, 2, 3, 500, 'frame', 'elsewhere');");

    assert_int_equal(frames->series_count, 2);
    assert_int_equal(frames->series[0].frame_count, 20);
    assert_string_equal(frames->series[1].name, "swap");
    assert_int_equal(frames->series[1].frame_count, 2);
    assert_int_equal(frames->series[1].figures[FRAME_ALLOCATION_COUNT].max, 10);
    analysis_recording_remove(&recording);
}

static void frames_keep_the_names_with_most_frames(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct frames *frames =
        run(&recording, BLOCKS(0, 0, 1, 2, 8, 1) "INSERT INTO mark SELECT NULL, 1, 1, f * 1000, "
                                                 "'frame', 'name ' || (f % 12) FROM (" NUMBERS(
                                                     1, 30) " SELECT f FROM n);");

    assert_int_equal(frames->series_count, FRAME_SERIES_MAX);
    assert_int_equal(frames->left_out_count, 12 - FRAME_SERIES_MAX);
    assert_int_equal(frames->series[0].frame_count, 3);
    assert_string_equal(frames->series[0].name, "name 1");
    analysis_recording_remove(&recording);
}

static void frames_long_drag_is_cut(void **state)
{
    (void)state;
    struct analysis_recording recording;

    const struct frames *frames =
        run(&recording, MARKS_OF_THREAD_1(0, 2999) "INSERT INTO given VALUES (100, 2500100, 8, 1),"
                                                   "(2000100, 2500100, 8, 21);");

    const struct frame_series *series = &frames->series[0];
    for (size_t i = 0; i < series->site_count; i++) {
        bool is_long = series->sites[i].stack_id == 2;
        assert_int_equal(series->sites[i].drag_max, is_long ? FRAME_DRAG_MAX : 500);
    }
    analysis_recording_remove(&recording);
}

static void frames_realloc_counts_as_both(void **state)
{
    (void)state;
    struct analysis_recording recording;

    /* Born in frame 1, grown in frame 3, freed in frame 3. */
    const struct frames *frames =
        run(&recording, MARKS_OF_THREAD_1(0, 3) "INSERT INTO given VALUES (1100, 3100, 8, 3),"
                                                "(3100, 3200, 16, 4);");

    const struct frame_series *series = &frames->series[0];
    assert_int_equal(series->figures[FRAME_ALLOCATION_COUNT].max, 1);
    assert_int_equal(series->figures[FRAME_FREE_COUNT].max, 2);
    assert_int_equal(series->sites[0].contained_count, 1);
    assert_int_equal(series->sites[0].late_count, 1);
    analysis_recording_remove(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_without_marks_are_none),
        cmocka_unit_test(frames_know_each_figure),
        cmocka_unit_test(frames_tell_sites_that_are_contained_from_others),
        cmocka_unit_test(frames_find_the_one_that_allocates_after_the_warmup),
        cmocka_unit_test(frames_without_allocations_after_the_warmup_are_seen),
        cmocka_unit_test(frames_of_threads_are_their_own),
        cmocka_unit_test(frames_under_names_make_series),
        cmocka_unit_test(frames_keep_the_names_with_most_frames),
        cmocka_unit_test(frames_long_drag_is_cut),
        cmocka_unit_test(frames_realloc_counts_as_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
