/*
 * plot_heat.h - a picture in text whose cells are shaded by how much of something is in them.
 */
#ifndef ALLOCAUDIT_PLOT_HEAT_H
#define ALLOCAUDIT_PLOT_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/str.h"

struct plot_heat {
    const uint8_t *cells; /* [row * columns + column], 0 to 255 */
    size_t columns;
    size_t rows;                /* row 0 is drawn at the bottom */
    const uint64_t *row_labels; /* printed in hex, where lines_per_label says so */
    size_t lines_per_label;
    int64_t from_ns; /* of the time beneath */
    int64_t to_ns;
    bool is_utf8; /* term_is_utf8() */
};

/* Appends the picture, a character for a cell, with its time axis. Lines end in '\n'. Returns 0 or
 * -ENOMEM. */
int plot_heat(const struct plot_heat *heat, struct str *text);

#endif
