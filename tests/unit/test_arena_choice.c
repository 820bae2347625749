#include "analysis_recording.h"

#include "../../analyzer/advice/arena_choice.h"

#define FRAMES "WITH RECURSIVE n (f) AS (SELECT 0 UNION ALL SELECT f + 1 FROM n WHERE f < 99)"
/* Frame f of thread 1 lasts from f * 1000 to f * 1000 + 900. */
#define MARKS                                                                                      \
    "INSERT INTO mark SELECT NULL, 1, 1, f * 1000 + 900, 'frame', '' FROM (" FRAMES                \
    " SELECT f FROM n);"
/* A block per frame. */
#define BLOCKS(born, died, size, context)                                                          \
    "INSERT INTO given SELECT f * 1000 + " #born ", f * 1000 + " #died ", " #size ", " #context    \
    " FROM (" FRAMES " SELECT f FROM n);"
#define SITE(stack, count, time)                                                                   \
    "INSERT OR REPLACE INTO site SELECT 1, " #stack ", 'malloc', " #count                          \
    ", 1000, 1000, 100, 0, 8, 100, 1, 100, 0, 0, 0, 0, " #time                                     \
    ", 100, 1, 1, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL;"

/* In calls of 1 us in all the process spent 100 ns; 2 % counts. */
static void choose(struct analysis_recording *recording, const char *sql,
                   struct arena_choice *out_choice)
{
    const struct arena_yardstick yardstick = {.allocator_time_ns = 100,
                                              .allocation_count = 1000,
                                              .cpu_time_ns = 1000,
                                              .peak_bytes = 1 << 20,
                                              .share_least = 0.02};
    struct err err;
    analysis_recording_make(recording, sql);
    const struct frames *frames = analysis_recording_run(recording, &frames_analysis);
    assert_int_equal(frames->series_count, 1);
    assert_int_equal(
        arena_choose(recording->trace->db, 1, &frames->series[0], &yardstick, out_choice, &err), 0);
}

static void arena_choose_takes_sites_that_die_in_their_frame(void **state)
{
    (void)state;
    struct analysis_recording recording;
    struct arena_choice choice;

    choose(&recording,
           MARKS BLOCKS(100, 200, 100, 1) BLOCKS(300, 1300, 40, 21) SITE(2, 100, 50)
               SITE(5, 100, 50),
           &choice);

    assert_int_equal(choice.stack_count, 1);
    assert_int_equal(choice.stack_ids[0], 2);
    assert_int_equal(choice.allocation_count, 100);
    assert_int_equal(choice.size_max_bytes, 100);
    assert_int_equal(choice.frame_max_bytes, 140);
    analysis_recording_remove(&recording);
}

/* In the warm-up, which the figures leave out, a block stays. */
static void arena_choose_leaves_out_what_once_survived(void **state)
{
    (void)state;
    struct analysis_recording recording;
    struct arena_choice choice;

    choose(&recording,
           MARKS BLOCKS(100, 200, 100, 1) "INSERT INTO given VALUES (110, NULL, 8, 2);" SITE(2, 101,
                                                                                             50),
           &choice);

    assert_int_equal(choice.stack_count, 0);
    analysis_recording_remove(&recording);
}

static void arena_choose_leaves_out_what_is_made_outside_of_frames(void **state)
{
    (void)state;
    struct analysis_recording recording;
    struct arena_choice choice;

    choose(&recording, MARKS BLOCKS(100, 200, 100, 1) SITE(2, 110, 50), &choice);

    assert_int_equal(choice.stack_count, 0);
    analysis_recording_remove(&recording);
}

/* A tenth of the calls may take a tenth of 100 ns, 1 % of all; by their own times it is 1.8 or 2 %.
 */
static void arena_choose_asks_for_what_could_count(void **state)
{
    (void)state;
    struct analysis_recording recording;
    struct arena_choice choice;

    choose(&recording, MARKS BLOCKS(100, 200, 100, 1) SITE(2, 100, 9), &choice);
    assert_int_equal(choice.stack_count, 0);
    analysis_recording_remove(&recording);

    choose(&recording, MARKS BLOCKS(100, 200, 100, 1) SITE(2, 100, 10), &choice);
    assert_int_equal(choice.stack_count, 1);
    analysis_recording_remove(&recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_choose_takes_sites_that_die_in_their_frame),
        cmocka_unit_test(arena_choose_leaves_out_what_once_survived),
        cmocka_unit_test(arena_choose_leaves_out_what_is_made_outside_of_frames),
        cmocka_unit_test(arena_choose_asks_for_what_could_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
