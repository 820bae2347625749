#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/advice/evidence.h"

#define MIB (UINT64_C(1) << 20)
#define SEC UINT64_C(1000000000)

/* A program of two seconds with 100 MiB, of which 60 are requested, and a fifth of its time in the
 * allocator. */
static struct evidence make_good(void)
{
    return (struct evidence){
        .has_calls = true,
        .is_complete = true,
        .duration_ns = 2 * SEC,
        .allocation_count = 1000000,
        .call_count = 2000000,
        .thread_count = 1,
        .peak_bytes = 60 * MIB,
        .rss_peak_bytes = 100 * MIB,
        .rss_mean_bytes = 80.0 * MIB,
        .live_mean_bytes = 40.0 * MIB,
        .sample_count = 200,
        .cpu_time_ns = 2 * SEC,
        .allocator_time_ns = 0.4 * SEC,
    };
}

static void expect(const struct evidence *evidence, int verdict, const char *part)
{
    struct str why = {0};
    assert_int_equal(evidence_judge(evidence, goal_of(ADVICE_BALANCED), &why), verdict);
    if (strstr(str_text(&why), part) == NULL) {
        fail_msg("'%s' has no '%s'", str_text(&why), part);
    }
    str_fini(&why);
}

static void evidence_judge_whole_recording_is_enough(void **state)
{
    (void)state;
    struct evidence evidence = make_good();

    expect(&evidence, EVIDENCE_ENOUGH, "");
}

static void evidence_judge_lacking_recordings_say_what_helps(void **state)
{
    (void)state;
    struct evidence evidence = make_good();
    evidence.is_sample = true;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "without --sample");
    evidence = make_good();
    evidence.has_calls = false;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "without --detail sites");
    evidence = make_good();
    evidence.is_complete = false;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "allocaudit recover");
    evidence = make_good();
    evidence.lost_event_count = 7;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "7 events were lost");
    evidence = make_good();
    evidence.has_policy = true;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "--policy");
    evidence = make_good();
    evidence.allocation_count = 0;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "statically");
    evidence = make_good();
    evidence.sample_count = 9;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "run it longer");
    evidence = make_good();
    evidence.cpu_time_ns = 10000000;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "10 ms of CPU time");
}

static void evidence_judge_tiny_program_has_nothing_to_win(void **state)
{
    (void)state;
    struct evidence evidence = make_good();
    evidence.peak_bytes = 1000;
    evidence.allocator_time_ns = 50000;
    evidence.sample_count = 0;

    expect(&evidence, EVIDENCE_NOTHING_TO_WIN, "1.0 KiB");

    evidence.allocator_time_ns = 1e9;
    expect(&evidence, EVIDENCE_INSUFFICIENT, "run it longer");
}

static void evidence_headroom_is_what_the_allocator_loses(void **state)
{
    (void)state;
    struct evidence evidence = make_good();
    struct evidence_heap heap = {.peak_bytes = 80.0 * MIB, .mean_bytes = 60.0 * MIB};

    struct headroom headroom = evidence_headroom(&evidence, &heap);

    assert_true(headroom.peak > 0.199 && headroom.peak < 0.201);
    assert_true(headroom.mean > 0.249 && headroom.mean < 0.251);
    assert_true(headroom.cpu > 0.199 && headroom.cpu < 0.201);
    assert_false(headroom_is_none(&headroom));
}

static void headroom_is_none_where_all_of_it_is_small(void **state)
{
    (void)state;
    struct evidence evidence = make_good();
    evidence.allocator_time_ns = 0.05 * SEC;
    struct evidence_heap heap = {.peak_bytes = 62.0 * MIB, .mean_bytes = 30.0 * MIB};

    struct headroom headroom = evidence_headroom(&evidence, &heap);

    assert_true(headroom.mean == 0);
    assert_true(headroom_is_none(&headroom));
    headroom.cpu = 0.031;
    assert_false(headroom_is_none(&headroom));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_judge_whole_recording_is_enough),
        cmocka_unit_test(evidence_judge_lacking_recordings_say_what_helps),
        cmocka_unit_test(evidence_judge_tiny_program_has_nothing_to_win),
        cmocka_unit_test(evidence_headroom_is_what_the_allocator_loses),
        cmocka_unit_test(headroom_is_none_where_all_of_it_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
