/*
 * plot.h - a small plot in text: one value per column, block characters where the locale has them.
 */
#ifndef ALLOCAUDIT_PLOT_H
#define ALLOCAUDIT_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../base/str.h"

struct plot_settings {
    unsigned width_columns; /* for all, with the scale at the left; at least 40 */
    unsigned height_lines;  /* of the plot's body, 1 to 40 */
    bool is_utf8;           /* term_is_utf8() */
    bool has_bytes;         /* scale in bytes (else plain counts) */
};

/*
 * Appends a plot of values[0..count), equal slices of the time from_ns to to_ns, to `text`: the
 * scale at the left, the times beneath. A column shows the largest of its values; a negative one is
 * no value and stays blank. Lines end in '\n'. Returns 0 or -ENOMEM; nothing to draw appends
 * nothing.
 */
int plot_timeline(const struct plot_settings *settings, const int64_t *values, size_t count,
                  int64_t from_ns, int64_t to_ns, struct str *text);

/* Appends a bar of `part` out of `whole`, padded to width_columns, without a line end. */
int plot_bar(unsigned width_columns, bool is_utf8, double part, double whole, struct str *text);

#endif
