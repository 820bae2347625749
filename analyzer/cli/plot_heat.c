#include "plot_heat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out.h"

enum {
    LABEL_COLUMNS = 12, /* an address in hex */
    SHADES = 5,
    CELL_MOST = 255,
};

static const char *const utf8_shades[SHADES] = {
    " ", "\xe2\x96\x91", "\xe2\x96\x92", "\xe2\x96\x93", "\xe2\x96\x88",
};
static const char *const ascii_shades[SHADES] = {" ", ".", ":", "*", "#"};

/* Whatever is not nothing shows; only what is nearly full is full. */
static unsigned shade_of(uint8_t cell)
{
    unsigned shade = cell * (SHADES - 1) / CELL_MOST;
    return cell > 0 && shade == 0 ? 1 : shade;
}

static int append_row(const struct plot_heat *heat, size_t row, bool has_label, struct str *text)
{
    char label[LABEL_COLUMNS + 8] = "";
    if (has_label) {
        snprintf(label, sizeof(label), "%" PRIx64, heat->row_labels[row]);
    }
    int r = str_printf(text, "%*s %s", LABEL_COLUMNS, label, heat->is_utf8 ? "\xe2\x94\x82" : "|");
    const char *const *shades = heat->is_utf8 ? utf8_shades : ascii_shades;
    size_t blanks = 0; /* held back, so that no line ends in blanks */
    for (size_t column = 0; column < heat->columns && r == 0; column++) {
        unsigned shade = shade_of(heat->cells[row * heat->columns + column]);
        if (shade == 0) {
            blanks++;
            continue;
        }
        r = str_append_repeated(text, ' ', blanks);
        blanks = 0;
        if (r == 0) {
            r = str_append(text, shades[shade]);
        }
    }
    return r < 0 ? r : str_append_char(text, '\n');
}

int plot_heat(const struct plot_heat *heat, struct str *text)
{
    char from[32];
    char to[32];
    int r = 0;
    for (size_t row = heat->rows; row-- > 0 && r == 0;) {
        r = append_row(heat, row, row % heat->lines_per_label == 0, text);
    }
    out_format_ns(heat->from_ns, from);
    out_format_ns(heat->to_ns, to);
    if (r == 0) {
        r = str_printf(text, "%*s %s", LABEL_COLUMNS, "", heat->is_utf8 ? "\xe2\x94\x94" : "+");
    }
    for (size_t i = 0; i < heat->columns && r == 0; i++) {
        r = str_append(text, heat->is_utf8 ? "\xe2\x94\x80" : "-");
    }
    if (r == 0) {
        r = str_printf(text, "\n%*s%s%*s\n", LABEL_COLUMNS + 2, "", from,
                       (int)heat->columns - (int)strlen(from), to);
    }
    return r;
}
