#include "../../analyzer/collect/target/launch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct err err;

/* Stands for the recorder: preloading it changes nothing. */
#define HARMLESS_LIBRARY "libc.so.6"

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

/* Starts `sh -c script` and waits for its end. */
static struct launch run(const char *script)
{
    char *command[] = {text("sh"), text("-c"), text(script), NULL};
    const struct launch_settings settings = {
        .command = command, .library = HARMLESS_LIBRARY, .ring_path = "/ring/of/test"};
    struct launch launch;
    if (launch_start(&launch, &settings, &err) < 0) {
        fail_msg("%s", err.text);
    }
    for (int i = 0; i < 1000 && !launch.is_reaped; i++) {
        launch_wait(&launch, 10000000);
    }
    launch_end(&launch);
    assert_true(launch.is_reaped);
    return launch;
}

static void launch_wait_passes_the_exit_status_on(void **state)
{
    (void)state;
    struct launch launch = run("exit 7");

    assert_int_equal(launch.exit_status, 7);
    assert_int_equal(launch.exit_signal, 0);
}

static void launch_wait_tells_the_signal_that_ended_it(void **state)
{
    (void)state;
    struct launch launch = run("kill -TERM $$");

    assert_int_equal(launch.exit_status, -1);
    assert_int_equal(launch.exit_signal, SIGTERM);
}

static void launch_start_command_finds_the_ring(void **state)
{
    (void)state;
    struct launch launch = run("test \"$ALLOCAUDIT_RING\" = /ring/of/test &&"
                               " test \"${LD_PRELOAD%%:*}\" = " HARMLESS_LIBRARY);

    assert_int_equal(launch.exit_status, 0);
    assert_null(getenv("ALLOCAUDIT_RING")); /* not in ours */
}

static void launch_start_missing_command_is_an_error(void **state)
{
    (void)state;
    char *command[] = {text("/no/such/command"), NULL};
    const struct launch_settings settings = {
        .command = command, .library = HARMLESS_LIBRARY, .ring_path = ""};
    struct launch launch;

    assert_int_equal(launch_start(&launch, &settings, &err), -ENOENT);

    assert_string_equal(err.text, "cannot run '/no/such/command': No such file or directory");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    launch_end(&launch);
}

static void launch_wait_passes_signals_on_to_the_command(void **state)
{
    (void)state;
    char *command[] = {text("sh"), text("-c"),
                       text("trap 'exit 9' USR1; kill -USR2 $PPID; while :; do sleep 0.05;"
                            " done"),
                       NULL};
    const struct launch_settings settings = {
        .command = command, .library = HARMLESS_LIBRARY, .ring_path = ""};
    struct launch launch;
    assert_int_equal(launch_start(&launch, &settings, &err), 0);
    sigset_t wanted;
    siginfo_t info;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR2);
    const struct timespec patience = {.tv_sec = 20};
    assert_int_equal(sigtimedwait(&wanted, &info, &patience), SIGUSR2); /* its trap is set */

    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    for (int i = 0; i < 1000 && !launch.is_reaped; i++) {
        launch_wait(&launch, 10000000);
    }
    launch_end(&launch);

    assert_true(launch.is_reaped);
    assert_int_equal(launch.exit_status, 9);
}

static void launch_wait_interrupt_after_the_end_is_counted(void **state)
{
    (void)state;
    char *command[] = {text("true"), NULL};
    const struct launch_settings settings = {
        .command = command, .library = HARMLESS_LIBRARY, .ring_path = ""};
    struct launch launch;
    assert_int_equal(launch_start(&launch, &settings, &err), 0);
    for (int i = 0; i < 1000 && !launch.is_reaped; i++) {
        launch_wait(&launch, 10000000);
    }
    assert_int_equal(launch.interrupt_count, 0);

    assert_int_equal(kill(getpid(), SIGINT), 0);
    launch_wait(&launch, 10000000);

    assert_int_equal(launch.interrupt_count, 1);
    launch_end(&launch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launch_wait_passes_the_exit_status_on),
        cmocka_unit_test(launch_wait_tells_the_signal_that_ended_it),
        cmocka_unit_test(launch_start_command_finds_the_ring),
        cmocka_unit_test(launch_start_missing_command_is_an_error),
        cmocka_unit_test(launch_wait_passes_signals_on_to_the_command),
        cmocka_unit_test(launch_wait_interrupt_after_the_end_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
