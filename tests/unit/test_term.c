#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/cli/term.h"

static const uint64_t second_ns = 1000 * 1000 * 1000;

/* Both ends of a terminal of 100 columns; what is printed is read at the master. */
struct terminal {
    int master;
    FILE *stream;
};

static void terminal_open(struct terminal *terminal)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 100};
    terminal->master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(terminal->master >= 0);
    assert_int_equal(grantpt(terminal->master), 0);
    assert_int_equal(unlockpt(terminal->master), 0);
    terminal->stream = fopen(ptsname(terminal->master), "r+");
    assert_non_null(terminal->stream);
    assert_int_equal(ioctl(terminal->master, TIOCSWINSZ, &size), 0);
    assert_int_equal(fcntl(terminal->master, F_SETFL, O_NONBLOCK), 0);
}

/* What has been printed since; "" if nothing. */
static const char *terminal_read(const struct terminal *terminal, char text[256])
{
    const ssize_t size_bytes = read(terminal->master, text, 255);
    text[size_bytes > 0 ? size_bytes : 0] = '\0';
    return text;
}

static void terminal_close(struct terminal *terminal)
{
    assert_int_equal(fclose(terminal->stream), 0);
    assert_int_equal(close(terminal->master), 0);
}

static void term_width_comes_from_the_terminal_unless_COLUMNS_says_more(void **state)
{
    (void)state;
    struct terminal terminal;
    FILE *pipe_stream = fopen("/dev/null", "w");
    assert_non_null(pipe_stream);
    terminal_open(&terminal);

    assert_int_equal(term_width_columns(terminal.stream), 100);
    assert_int_equal(term_width_columns(pipe_stream), 0);
    (void)setenv("COLUMNS", "132", 1);
    assert_int_equal(term_width_columns(terminal.stream), 132);
    assert_int_equal(term_width_columns(pipe_stream), 132);
    (void)setenv("COLUMNS", "7", 1);
    assert_int_equal(term_width_columns(terminal.stream), 100);
    (void)setenv("COLUMNS", "wide", 1);
    assert_int_equal(term_width_columns(pipe_stream), 0);

    (void)unsetenv("COLUMNS");
    terminal_close(&terminal);
    assert_int_equal(fclose(pipe_stream), 0);
}

static void term_is_colored_only_where_it_is_wanted(void **state)
{
    (void)state;
    struct terminal terminal;
    FILE *pipe_stream = fopen("/dev/null", "w");
    assert_non_null(pipe_stream);
    terminal_open(&terminal);
    (void)setenv("TERM", "xterm", 1);
    (void)unsetenv("NO_COLOR");

    assert_true(term_is_colored(terminal.stream, TERM_COLOR_AUTO));
    assert_false(term_is_colored(pipe_stream, TERM_COLOR_AUTO));
    assert_true(term_is_colored(pipe_stream, TERM_COLOR_ALWAYS));
    assert_false(term_is_colored(terminal.stream, TERM_COLOR_NEVER));
    (void)setenv("NO_COLOR", "1", 1);
    assert_false(term_is_colored(terminal.stream, TERM_COLOR_AUTO));
    assert_true(term_is_colored(terminal.stream, TERM_COLOR_ALWAYS));
    (void)setenv("NO_COLOR", "", 1);
    assert_true(term_is_colored(terminal.stream, TERM_COLOR_AUTO));
    (void)setenv("TERM", "dumb", 1);
    assert_false(term_is_colored(terminal.stream, TERM_COLOR_AUTO));

    terminal_close(&terminal);
    assert_int_equal(fclose(pipe_stream), 0);
}

static void term_text_columns_counts_what_is_seen(void **state)
{
    (void)state;
    assert_int_equal(term_text_columns("", 0), 0);
    assert_int_equal(term_text_columns("abc", 3), 3);
    assert_int_equal(term_text_columns("caf\xc3\xa9", 5), 4);
    assert_int_equal(term_text_columns("\xe6\x97\xa5", 3), 2);
    assert_int_equal(term_text_columns("e\xcc\x81", 3), 1);
    assert_int_equal(term_text_columns("\xff\xfe", 2), 2);
}

static void term_progress_is_silent_for_half_a_second(void **state)
{
    (void)state;
    struct terminal terminal;
    struct term_progress progress;
    char text[256];
    terminal_open(&terminal);

    term_progress_begin(&progress, terminal.stream, "resolving symbols");
    term_progress_update(&progress, 1, 2);
    term_progress_end(&progress);

    assert_string_equal(terminal_read(&terminal, text), "");
    terminal_close(&terminal);
}

static void term_progress_says_how_far_and_how_long(void **state)
{
    (void)state;
    struct terminal terminal;
    struct term_progress progress;
    char text[256];
    terminal_open(&terminal);
    term_progress_begin(&progress, terminal.stream, "resolving symbols");
    progress.started_ns -= 2 * second_ns;

    term_progress_update(&progress, 25, 100);
    assert_string_equal(terminal_read(&terminal, text),
                        "\r\x1b[Kresolving symbols: 25 %, 6 s left");

    term_progress_update(&progress, 26, 100); /* too soon after the last */
    assert_string_equal(terminal_read(&terminal, text), "");

    progress.shown_ns -= second_ns;
    term_progress_update(&progress, 200, 100);
    assert_string_equal(terminal_read(&terminal, text),
                        "\r\x1b[Kresolving symbols: 100 %, 0 s left");

    progress.shown_ns -= second_ns;
    term_progress_update(&progress, 12, 0);
    assert_string_equal(terminal_read(&terminal, text), "\r\x1b[Kresolving symbols: 12");

    term_progress_end(&progress);
    assert_string_equal(terminal_read(&terminal, text), "\r\x1b[K");
    term_progress_end(&progress);
    assert_string_equal(terminal_read(&terminal, text), "");
    terminal_close(&terminal);
}

static void term_progress_in_a_pipe_is_silent(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size_bytes = 0;
    struct term_progress progress;
    FILE *stream = open_memstream(&text, &size_bytes);
    assert_non_null(stream);

    term_progress_begin(&progress, stream, "resolving symbols");
    progress.started_ns -= 2 * second_ns;
    term_progress_update(&progress, 1, 2);
    term_progress_end(&progress);

    assert_int_equal(fclose(stream), 0);
    assert_string_equal(text, "");
    free(text);
}

static int set_up(void **state)
{
    (void)state;
    (void)unsetenv("COLUMNS");
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(term_width_comes_from_the_terminal_unless_COLUMNS_says_more),
        cmocka_unit_test(term_is_colored_only_where_it_is_wanted),
        cmocka_unit_test(term_text_columns_counts_what_is_seen),
        cmocka_unit_test(term_progress_is_silent_for_half_a_second),
        cmocka_unit_test(term_progress_says_how_far_and_how_long),
        cmocka_unit_test(term_progress_in_a_pipe_is_silent),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
