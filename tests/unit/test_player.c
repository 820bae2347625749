#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/replay/player.h"

static int run_shell(const char *command, struct str *answer, struct str *talk, struct err *err)
{
    const char *const pairs[] = {"WORD=given", NULL};
    const char *const words[] = {"sh", "-c", command, NULL};
    const struct player_job job = {
        .program = "/bin/sh", .preload = "", .pairs = pairs, .words = words, .script_fd = -1};
    return player_run(&job, answer, talk, err);
}

static void player_run_keeps_both_streams_apart(void **state)
{
    (void)state;
    struct str answer = {0};
    struct str talk = {0};
    struct err err;

    int result = run_shell("echo $WORD $HOME; echo talk >&2", &answer, &talk, &err);

    assert_int_equal(result, 0);
    assert_string_equal(str_text(&answer), "given\n"); /* nothing of our environment */
    assert_string_equal(str_text(&talk), "talk\n");
    str_fini(&answer);
    str_fini(&talk);
}

static void player_run_tells_how_it_ended(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        const char *told;
    } cases[] = {
        {"echo why >&2; echo more >&2; exit 3", "ended with status 3: why"},
        {"exit 4", "ended with status 4"},
        {"kill -ABRT $$", "was killed by signal 6 (Aborted)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str answer = {0};
        struct str talk = {0};
        struct err err;

        int result = run_shell(cases[i].command, &answer, &talk, &err);

        assert_int_equal(result, -ECHILD);
        assert_string_equal(err.text, cases[i].told);
        str_fini(&answer);
        str_fini(&talk);
    }
}

static void player_run_takes_more_than_a_pipe_holds(void **state)
{
    (void)state;
    struct str answer = {0};
    struct str talk = {0};
    struct err err;

    int result = run_shell("i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo "
                           "0123456789012345678901234567890123456789012345678901234567890123; "
                           "done; echo end >&2",
                           &answer, &talk, &err);

    assert_int_equal(result, 0);
    assert_int_equal(answer.size_bytes, 2000 * 65);
    assert_string_equal(str_text(&talk), "end\n");
    str_fini(&answer);
    str_fini(&talk);
}

static void player_read_takes_values_and_latencies(void **state)
{
    (void)state;
    struct player_result result;
    struct err err;

    int code = player_read("call_count 12\nrss_peak_bytes 4096\nunknown 3\n"
                           "latency realloc 5 10.5 20.0 30.0 400.0\nwall_ns 77",
                           &result, &err);

    assert_int_equal(code, 0);
    assert_int_equal(result.call_count, 12);
    assert_int_equal(result.rss_peak_bytes, 4096);
    assert_int_equal(result.wall_ns, 77);
    assert_int_equal(result.latencies[PLAYER_REALLOC].count, 5);
    assert_true(result.latencies[PLAYER_REALLOC].p50_ns == 10.5);
    assert_int_equal(result.latencies[PLAYER_MALLOC].count, 0);
}

static void player_read_of_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {"", "\n\n", "latency nothing 1 2 3 4 5\n", "call_count"};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct player_result result;
        struct err err;

        assert_int_equal(player_read(answers[i], &result, &err), -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(player_run_keeps_both_streams_apart),
        cmocka_unit_test(player_run_tells_how_it_ended),
        cmocka_unit_test(player_run_takes_more_than_a_pipe_holds),
        cmocka_unit_test(player_read_takes_values_and_latencies),
        cmocka_unit_test(player_read_of_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
