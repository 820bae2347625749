#include "../../analyzer/trial/trial.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CANDIDATES = 3,
    HEARD_BYTES = 4096,
};

static struct err err;
static struct candidates candidates; /* glibc three times, each with WHO=its letter */
static struct trial trial;
static struct trial_settings settings;
static char heard[HEARD_BYTES]; /* the letters of the runs, and what failed */

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static void hear(const char *what)
{
    const size_t length = strlen(heard);
    snprintf(heard + length, sizeof(heard) - length, "%s", what);
}

static void on_run(void *context, size_t entry, uint64_t done_count, uint64_t total_count)
{
    (void)context;
    const char letter[] = {(char)('a' + entry), '\0'};
    assert_true(done_count < total_count);
    hear(letter);
}

static void on_failure(void *context, size_t entry, const char *reason)
{
    (void)context;
    (void)entry;
    hear("!");
    hear(reason);
    hear("!");
}

/* Runs the script `round_count` times under each candidate, after `warmup_count` times for nothing.
 */
static int try_script(const char *script, size_t round_count, size_t warmup_count)
{
    static char *command[] = {NULL, NULL, NULL, NULL};
    command[0] = text("sh");
    command[1] = text("-c");
    command[2] = text(script);
    settings = (struct trial_settings){.command = command,
                                       .round_count = round_count,
                                       .warmup_count = warmup_count,
                                       .echo_fd = -1,
                                       .listener = {.on_run = on_run, .on_failure = on_failure}};
    heard[0] = '\0';
    assert_int_equal(trial_init(&trial, &settings, &candidates, &err), 0);
    assert_int_equal(trial.entry_count, CANDIDATES);
    return trial_run(&trial, &err);
}

static int make_candidates(void **state)
{
    (void)state;
    static const char *const letters[] = {"glibc:WHO=a", "glibc@b:WHO=b", "glibc@c:WHO=c"};
    return candidates_parse(&candidates, "glibc,glibc@b,glibc@c", letters, CANDIDATES, &err);
}

static int forget_candidates(void **state)
{
    (void)state;
    candidates_fini(&candidates);
    return 0;
}

/* In every two times as many rounds as candidates, each has every place equally often. */
static void trial_turn_gives_each_every_place(void **state)
{
    (void)state;
    for (size_t count = 1; count < 8; count++) {
        unsigned places[8][8] = {{0}};
        unsigned followers[8][8] = {{0}};
        for (size_t round = 0; round < 2 * count; round++) {
            unsigned seen = 0;
            for (size_t i = 0; i < count; i++) {
                const size_t entry = trial_turn(round, i, count);
                assert_true(entry < count);
                seen |= 1u << entry;
                places[entry][i]++;
                followers[entry][i + 1 < count ? trial_turn(round, i + 1, count) : entry]++;
            }
            assert_int_equal(seen, (1u << count) - 1);
        }
        for (size_t entry = 0; entry < count; entry++) {
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(places[entry][i], 2);
            }
            if (count > 2) {
                assert_true(followers[entry][(entry + 1) % count] > 0);
                assert_true(followers[entry][(entry + count - 1) % count] > 0);
            }
        }
    }
}

static void trial_run_rounds_turn_and_count_but_for_the_warmup(void **state)
{
    (void)state;

    assert_int_equal(try_script("exit 0", 3, 1), 0);

    assert_string_equal(heard, "abc"
                               "cba"
                               "bca"
                               "acb");
    assert_int_equal(trial.round_count, 3);
    for (size_t i = 0; i < CANDIDATES; i++) {
        assert_null(trial.entries[i].failure);
        for (size_t round = 0; round < 3; round++) {
            assert_true(trial.entries[i].runs[round].wall_ns > 0);
        }
    }
    trial_fini(&trial);
}

static void trial_run_candidate_that_fails_is_out_and_the_others_go_on(void **state)
{
    (void)state;

    assert_int_equal(try_script("[ $WHO != b ] || { echo no memory >&2; exit 5; }", 2, 1), 0);

    assert_string_equal(heard, "ab!in the warm-up, the command ended with status 5: 'no memory'!c"
                               "ca"
                               "ca");
    assert_int_equal(trial.round_count, 2);
    assert_non_null(trial.entries[1].failure);
    assert_null(trial.entries[2].failure);
    trial_fini(&trial);
}

static void trial_run_candidate_that_crashes_is_out(void **state)
{
    (void)state;

    assert_int_equal(try_script("[ $WHO != c ] || kill -SEGV $$", 2, 0), 0);

    assert_string_equal(heard,
                        "abc!in round 1, the command ended by signal 11 (Segmentation fault)!ba");
    trial_fini(&trial);
}

static void trial_run_baseline_that_fails_ends_it(void **state)
{
    (void)state;

    assert_int_equal(try_script("[ $WHO != a ]", 2, 0), -ECHILD);

    assert_string_equal(heard, "a");
    assert_string_equal(err.text, "nothing to compare with: under 'glibc', in round 1, the command "
                                  "ended with status 1");
    trial_fini(&trial);
}

static void trial_run_missing_command_is_an_error(void **state)
{
    (void)state;
    static char *command[] = {NULL, NULL};
    command[0] = text("/no/such/command");
    settings = (struct trial_settings){.command = command, .round_count = 1, .echo_fd = -1};
    assert_int_equal(trial_init(&trial, &settings, &candidates, &err), 0);

    assert_int_equal(trial_run(&trial, &err), -ENOENT);

    trial_fini(&trial);
}

static void trial_run_output_that_differs_is_noticed(void **state)
{
    (void)state;

    assert_int_equal(try_script("[ $WHO = b ] && echo other || echo same", 2, 0), 0);
    assert_int_equal(trial.entries[1].output, TRIAL_OUTPUT_DIFFERS);
    assert_int_equal(trial.entries[2].output, TRIAL_OUTPUT_SAME);
    trial_fini(&trial);

    assert_int_equal(try_script("[ $WHO = a ] && echo same || echo $$", 2, 0), 0);
    assert_int_equal(trial.entries[1].output, TRIAL_OUTPUT_DIFFERS);
    trial_fini(&trial);

    assert_int_equal(try_script("echo $$", 2, 0), 0); /* says nothing of the candidates */
    assert_int_equal(trial.entries[1].output, TRIAL_OUTPUT_VARIES);
    trial_fini(&trial);
}

/* The third run of the second round asks for it. */
static void trial_run_interrupted_keeps_whole_rounds(void **state)
{
    (void)state;
    char script[256];
    snprintf(script, sizeof(script),
             "test_path=${TMPDIR:-/tmp}/test_trial.%d; echo >>$test_path;"
             " [ $(wc -l <$test_path) -lt 6 ] || { rm $test_path; kill -TERM %d; sleep 100; }",
             (int)getpid(), (int)getpid());

    assert_int_equal(try_script(script, 50, 0), -EINTR);

    assert_int_equal(trial.interrupt, SIGTERM);
    assert_int_equal(trial.round_count, 1);
    trial_fini(&trial);
}

static void trial_compare_takes_pairs_of_one_round(void **state)
{
    (void)state;
    struct comparison comparisons[METRIC_COUNT];
    assert_int_equal(try_script("exit 0", 6, 0), 0);
    for (size_t round = 0; round < 6; round++) {
        const uint64_t slow_ns = 1000000000 * (uint64_t)(round + 1);
        trial.entries[0].runs[round].wall_ns = slow_ns;
        trial.entries[1].runs[round].wall_ns = slow_ns - 500000000;
        trial.entries[2].runs[round].wall_ns = slow_ns;
    }

    assert_int_equal(trial_compare(&trial, 1, 2, comparisons, &err), 0);
    assert_int_equal(comparisons[METRIC_WALL].verdict, VERDICT_LESS);
    assert_true(comparisons[METRIC_WALL].difference.low == -5e8);
    assert_true(comparisons[METRIC_WALL].difference.high == -5e8);
    assert_int_equal(trial_compare(&trial, 2, 2, comparisons, &err), 0);
    assert_int_equal(comparisons[METRIC_WALL].verdict, VERDICT_NO_DIFFERENCE);
    assert_int_equal(trial_compare(&trial, 0, 2, comparisons, &err), 0);
    assert_int_equal(comparisons[METRIC_WALL].verdict, VERDICT_BASELINE);

    trial_fini(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trial_turn_gives_each_every_place),
        cmocka_unit_test(trial_run_rounds_turn_and_count_but_for_the_warmup),
        cmocka_unit_test(trial_run_candidate_that_fails_is_out_and_the_others_go_on),
        cmocka_unit_test(trial_run_candidate_that_crashes_is_out),
        cmocka_unit_test(trial_run_baseline_that_fails_ends_it),
        cmocka_unit_test(trial_run_missing_command_is_an_error),
        cmocka_unit_test(trial_run_output_that_differs_is_noticed),
        cmocka_unit_test(trial_run_interrupted_keeps_whole_rounds),
        cmocka_unit_test(trial_compare_takes_pairs_of_one_round),
    };
    return cmocka_run_group_tests(tests, make_candidates, forget_candidates);
}
