#include "term.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "../base/utf8.h"
#include "options.h"

enum {
    WIDTH_MIN = 20, /* a narrower terminal is taken to be a mistake */
    WIDTH_DEFAULT = 80,
    WIDTH_MAX = 1000,
};

static const uint64_t progress_delay_ns = UINT64_C(500) * 1000 * 1000;
static const uint64_t progress_interval_ns = UINT64_C(100) * 1000 * 1000;

bool term_is_terminal(FILE *stream)
{
    const int fd = fileno(stream);
    return fd >= 0 && isatty(fd) == 1;
}

unsigned term_width_columns(FILE *stream)
{
    uint64_t columns = 0;
    const char *text = getenv("COLUMNS");
    if (text != NULL && options_read_count(text, &columns, NULL) == 0 && columns >= WIDTH_MIN &&
        columns <= WIDTH_MAX) {
        return (unsigned)columns;
    }
    if (!term_is_terminal(stream)) {
        return 0;
    }

    struct winsize size = {0};
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_col < WIDTH_MIN) {
        return WIDTH_DEFAULT;
    }
    return size.ws_col;
}

bool term_is_colored(FILE *stream, enum term_color choice)
{
    if (choice != TERM_COLOR_AUTO) {
        return choice == TERM_COLOR_ALWAYS;
    }

    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    const bool is_unwanted = no_color != NULL && no_color[0] != '\0';
    const bool is_able = term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
    return !is_unwanted && is_able && term_is_terminal(stream);
}

bool term_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

unsigned term_text_columns(const char *text, size_t size_bytes)
{
    unsigned columns = 0;
    for (size_t at = 0; at < size_bytes;) {
        uint32_t code = 0;
        at += utf8_decode(text + at, size_bytes - at, &code);
        const int width = code != UTF8_INVALID && code > 0x7f ? wcwidth((wchar_t)code) : 1;
        columns += width >= 0 ? (unsigned)width : 1;
    }
    return columns;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 * 1000 * 1000 + (uint64_t)now.tv_nsec;
}

void term_progress_begin(struct term_progress *progress, FILE *stream, const char *what)
{
    *progress = (struct term_progress){
        .stream = stream,
        .what = what,
        .started_ns = now_ns(),
        .is_enabled = term_is_terminal(stream),
    };
}

static void print_time_left(FILE *stream, uint64_t passed_ns, uint64_t done, uint64_t total)
{
    const double left_s = (double)passed_ns / 1e9 * (double)(total - done) / (double)done;
    if (left_s < 60) {
        fprintf(stream, ", %.0f s left", left_s);
    } else {
        fprintf(stream, ", %.0f min left", left_s / 60);
    }
}

void term_progress_update(struct term_progress *progress, uint64_t done, uint64_t total)
{
    if (!progress->is_enabled) {
        return;
    }
    const uint64_t at_ns = now_ns();
    if (at_ns - progress->started_ns < progress_delay_ns ||
        (progress->shown_ns != 0 && at_ns - progress->shown_ns < progress_interval_ns)) {
        return;
    }

    FILE *stream = progress->stream;
    progress->shown_ns = at_ns;
    fprintf(stream, "\r\x1b[K%s", progress->what);
    if (total == 0) {
        fprintf(stream, ": %" PRIu64, done);
    } else {
        const uint64_t reached = done < total ? done : total;
        fprintf(stream, ": %.0f %%", (double)reached * 100 / (double)total);
        if (reached > 0) {
            print_time_left(stream, at_ns - progress->started_ns, reached, total);
        }
    }
    fflush(stream);
}

void term_progress_end(struct term_progress *progress)
{
    if (progress->shown_ns != 0) {
        fputs("\r\x1b[K", progress->stream);
        fflush(progress->stream);
    }
    progress->shown_ns = 0;
    progress->is_enabled = false;
}
