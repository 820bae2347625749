#include "../../analyzer/trial/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Called with this and a number, the test is a program that touches as many MiB. */
#define TOUCH "--touch"

#define MIB ((size_t)1 << 20)
#define MS  UINT64_C(1000000)

static char *own_path;
static struct err err;
static struct measurement measurement;
static struct measure_words words;
static pid_t waited_for;

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static void on_waiting(void *context, pid_t pid)
{
    (void)context;
    waited_for = pid;
}

/* Everything at its plainest. */
static struct measure_request request_of(char **command)
{
    struct measure_request request = {
        .command = command,
        .environment = environ,
        .echo_fd = -1,
        .interrupt_fd = -1,
        .on_waiting = on_waiting,
    };
    sigprocmask(SIG_BLOCK, NULL, &request.signal_mask);
    return request;
}

static int measure(const struct measure_request *request)
{
    memset(&measurement, 0xff, sizeof(measurement));
    waited_for = 0;
    err.text[0] = '\0';
    return measure_run(request, &measurement, &words, &err);
}

static void measure_script(const char *script)
{
    char *command[] = {text("sh"), text("-c"), text(script), NULL};
    const struct measure_request request = request_of(command);
    if (measure(&request) < 0) {
        fail_msg("%s", err.text);
    }
}

static const char *last_words(const struct captured *captured)
{
    static char line[CAPTURED_LINE_BYTES];
    captured_last_line(captured, line);
    return line;
}

static void measure_run_tells_how_the_command_ended(void **state)
{
    (void)state;

    measure_script("exit 7");
    assert_int_equal(measurement.end, MEASUREMENT_EXITED);
    assert_int_equal(measurement.exit_status, 7);

    measure_script("kill -SEGV $$");
    assert_int_equal(measurement.end, MEASUREMENT_SIGNALLED);
    assert_int_equal(measurement.exit_signal, SIGSEGV);
}

static void measure_run_keeps_what_it_wrote(void **state)
{
    (void)state;

    measure_script("echo to stdout; echo to stderr >&2");

    assert_int_equal(words.output.size_bytes, strlen("to stdout\n"));
    assert_string_equal(last_words(&words.output), "to stdout");
    assert_string_equal(last_words(&words.errors), "to stderr");
}

/* More than any pipe holds: it must be read while the command runs. */
static void measure_run_command_that_writes_much_is_not_held_up(void **state)
{
    (void)state;

    measure_script("head -c 5000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end");

    assert_int_equal(words.output.size_bytes, 5000000 + strlen("end\n"));
    assert_int_equal(words.errors.size_bytes, 3000000);
}

/* Descriptors above the first three that whoever started us left to us, and to our children. */
static unsigned inherited_count(void)
{
    unsigned count = 0;
    for (int fd = 3; fd < 1024; fd++) {
        const int flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
    }
    return count;
}

static void measure_run_command_gets_its_surroundings(void **state)
{
    (void)state;
    char expected[64]; /* descriptors: 0, 1, 2, and that with which ls reads the folder */
    snprintf(expected, sizeof(expected), "from a file\nyes\n%u\n", inherited_count() + 4);
    char path[] = "/tmp/test_measure_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "from a file\n", 12), 12);
    close(fd);
    char *command[] = {text("sh"), text("-c"),
                       text("cat; echo $MEASURED; ls /proc/self/fd | wc -l"), NULL};
    char *environment[] = {text("MEASURED=yes"), text("PATH=/usr/bin:/bin"), NULL};
    struct measure_request request = request_of(command);
    request.input = path;
    request.environment = environment;

    assert_int_equal(measure(&request), 0);

    assert_int_equal(words.output.size_bytes, strlen(expected));
    assert_memory_equal(words.output.first, expected, strlen(expected));
    unlink(path);
    assert_int_equal(measure(&request), -ENOENT);
    assert_non_null(strstr(err.text, path));
}

/* In a session of its own, what a terminal sends does not reach it. */
static void measure_run_command_has_no_terminal(void **state)
{
    (void)state;

    measure_script("(: </dev/tty) 2>/dev/null && echo terminal || cut -d ' ' -f 6 /proc/self/stat");

    const long session = strtol(last_words(&words.output), NULL, 10);
    assert_true(session > 0);
    assert_int_not_equal(session, getsid(0));
}

static void measure_run_missing_command_is_an_error(void **state)
{
    (void)state;
    char *command[] = {text("/no/such/command"), NULL};
    const struct measure_request request = request_of(command);

    assert_int_equal(measure(&request), -ENOENT);

    assert_string_equal(err.text, "cannot run '/no/such/command': No such file or directory");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

/* The shell ends at once; what it left behind works on, and that counts. */
static void measure_run_waits_for_orphans_and_counts_them(void **state)
{
    (void)state;
    measure_script(":");
    const uint64_t idle_ns = measurement.user_ns + measurement.system_ns;

    measure_script("(i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; echo orphan) & exit 4");

    assert_int_equal(measurement.exit_status, 4);
    assert_string_equal(last_words(&words.output), "orphan");
    assert_true(measurement.user_ns + measurement.system_ns > idle_ns + 10 * MS);
    assert_int_equal(waited_for, 0);
}

static void measure_run_tells_of_an_orphan_that_takes_long(void **state)
{
    (void)state;

    measure_script("sleep 3.5 & echo $!");

    assert_int_equal(waited_for, strtol(last_words(&words.output), NULL, 10));
    assert_int_equal(measurement.end, MEASUREMENT_EXITED);
    assert_true(measurement.wall_ns < 3500 * MS); /* the command's own */
}

static void measure_touching(const char *mib)
{
    char *command[] = {own_path, text(TOUCH), text(mib), NULL};
    const struct measure_request request = request_of(command);
    assert_int_equal(measure(&request), 0);
    assert_int_equal(measurement.end, MEASUREMENT_EXITED);
    assert_int_equal(measurement.exit_status, 0);
}

static void measure_run_peak_and_faults_are_the_commands(void **state)
{
    (void)state;
    measure_touching("0");
    const struct measurement little = measurement;

    measure_touching("64");

    assert_true(measurement.peak_rss_bytes >= 64 * MIB);
    assert_true(measurement.peak_rss_bytes - little.peak_rss_bytes >= 60 * MIB);
    assert_true(measurement.peak_rss_bytes - little.peak_rss_bytes <=
                80 * MIB); /* sanitizers add some */
    assert_true(measurement.minor_fault_count > little.minor_fault_count + 20);
}

/* A child of a child, and then as many at once: the largest counts, not their sum. */
static void measure_run_peak_is_that_of_the_largest_process(void **state)
{
    (void)state;
    char script[256];
    measure_touching("64");
    const uint64_t one_bytes = measurement.peak_rss_bytes;
    snprintf(script, sizeof(script), "p='%s " TOUCH "'; (sh -c \"$p 64; :\" & $p 64 & $p 16; wait)",
             own_path);

    measure_script(script);

    assert_true(measurement.peak_rss_bytes >= 64 * MIB);
    assert_true(measurement.peak_rss_bytes <= one_bytes + 8 * MIB);
}

static void measure_run_too_long_is_killed_with_all_its_children(void **state)
{
    (void)state;
    char *command[] = {text("sh"), text("-c"),
                       text("trap '' TERM; (setsid sleep 100; :) & sh -c 'sleep 100; :' & echo up;"
                            " sleep 100; echo late"),
                       NULL};
    struct measure_request request = request_of(command);
    request.timeout_ns = 1500 * MS;

    assert_int_equal(measure(&request), 0);

    assert_int_equal(measurement.end, MEASUREMENT_TIMED_OUT);
    assert_true(measurement.wall_ns >= 1500 * MS);
    assert_true(measurement.wall_ns < 90000 * MS);
    assert_string_equal(last_words(&words.output), "up");
}

static void measure_run_that_is_interrupted_ends_at_once(void **state)
{
    (void)state;
    char *command[] = {text("sh"), text("-c"), text("sleep 100 & sleep 100"), NULL};
    struct measure_request request = request_of(command);
    request.interrupt_fd = eventfd(1, EFD_CLOEXEC);
    assert_true(request.interrupt_fd >= 0);

    assert_int_equal(measure(&request), -EINTR);

    close(request.interrupt_fd);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void measure_run_echoes_what_it_wrote(void **state)
{
    (void)state;
    int ends[2];
    char seen[64];
    char *command[] = {text("sh"), text("-c"), text("echo hello"), NULL};
    struct measure_request request = request_of(command);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    request.echo_fd = ends[1];

    assert_int_equal(measure(&request), 0);

    assert_int_equal(read(ends[0], seen, sizeof(seen)), 6);
    assert_memory_equal(seen, "hello\n", 6);
    close(ends[0]);
    close(ends[1]);
}

/* A program that ignores its children's ends must still be measured itself. */
static void measure_run_beneath_one_who_ignores_children_works(void **state)
{
    (void)state;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);

    measure_script("exit 3");

    assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
    assert_int_equal(measurement.exit_status, 3);
    assert_true(measurement.peak_rss_bytes > 0);
}

static int touch(const char *mib)
{
    const size_t size_bytes = strtoul(mib, NULL, 10) * MIB;
    volatile char *block = malloc(size_bytes + 1);
    if (block == NULL) {
        return 1;
    }
    for (size_t i = 0; i < size_bytes; i += 4096) {
        block[i] = 1;
    }
    free((void *)block);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], TOUCH) == 0) {
        return touch(argv[2]);
    }
    own_path = realpath("/proc/self/exe", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measure_run_tells_how_the_command_ended),
        cmocka_unit_test(measure_run_keeps_what_it_wrote),
        cmocka_unit_test(measure_run_command_that_writes_much_is_not_held_up),
        cmocka_unit_test(measure_run_command_gets_its_surroundings),
        cmocka_unit_test(measure_run_command_has_no_terminal),
        cmocka_unit_test(measure_run_missing_command_is_an_error),
        cmocka_unit_test(measure_run_waits_for_orphans_and_counts_them),
        cmocka_unit_test(measure_run_tells_of_an_orphan_that_takes_long),
        cmocka_unit_test(measure_run_peak_and_faults_are_the_commands),
        cmocka_unit_test(measure_run_peak_is_that_of_the_largest_process),
        cmocka_unit_test(measure_run_too_long_is_killed_with_all_its_children),
        cmocka_unit_test(measure_run_that_is_interrupted_ends_at_once),
        cmocka_unit_test(measure_run_echoes_what_it_wrote),
        cmocka_unit_test(measure_run_beneath_one_who_ignores_children_works),
    };
    int failed_count = cmocka_run_group_tests(tests, NULL, NULL);
    free(own_path);
    return failed_count;
}
