/*
 * term.h - what the terminal can do, and the one line of progress on it.
 *
 * Nothing here allocates. A `struct term_progress` belongs to one thread.
 */
#ifndef ALLOCAUDIT_TERM_H
#define ALLOCAUDIT_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum term_color {
    TERM_COLOR_AUTO, /* if it is a terminal, TERM is not "dumb" and NO_COLOR is empty */
    TERM_COLOR_ALWAYS,
    TERM_COLOR_NEVER,
};

/* Columns to lay out for: COLUMNS if it is a number of 20 or more, else the terminal's width; 0
 * means unlimited (not a terminal: a pipe gets whole names). */
unsigned term_width_columns(FILE *stream);

bool term_is_terminal(FILE *stream);

/* Whether to colour what goes to `stream`. */
bool term_is_colored(FILE *stream, enum term_color choice);

/* Whether the locale's encoding is UTF-8 (main() has called setlocale). */
bool term_is_utf8(void);

/* Columns that the UTF-8 text takes on a terminal; an invalid byte counts as one. */
unsigned term_text_columns(const char *text, size_t size_bytes);

/*
 * Progress: silent unless the stream is a terminal and 0.5 s have passed, at most ten lines a
 * second. Calling term_progress_update() for every step is cheap enough for thousands of steps.
 */
struct term_progress {
    FILE *stream;
    const char *what; /* "resolving symbols" */
    uint64_t started_ns;
    uint64_t shown_ns; /* of the last line; 0: nothing is on the screen */
    bool is_enabled;
};

/* Starts it; `what` must outlive it. Use stderr. */
void term_progress_begin(struct term_progress *progress, FILE *stream, const char *what);

/* Shows how far it is and the time left; total 0: not known, only the count is shown. */
void term_progress_update(struct term_progress *progress, uint64_t done, uint64_t total);

/* Takes the line off the screen. Safe to call twice. */
void term_progress_end(struct term_progress *progress);

#endif
