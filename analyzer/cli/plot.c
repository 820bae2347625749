#include "plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"

enum {
    SCALE_COLUMNS = 12, /* "1023.9 MiB " and the axis */
    WIDTH_MIN = 40,
    WIDTH_MAX = 400,
    HEIGHT_MAX = 40,
    EIGHTHS = 8,
};

static const char *const rising_blocks[EIGHTHS + 1] = {
    " ",
    "\xe2\x96\x81",
    "\xe2\x96\x82",
    "\xe2\x96\x83",
    "\xe2\x96\x84",
    "\xe2\x96\x85",
    "\xe2\x96\x86",
    "\xe2\x96\x87",
    "\xe2\x96\x88",
};
static const char *const growing_blocks[EIGHTHS + 1] = {
    " ",
    "\xe2\x96\x8f",
    "\xe2\x96\x8e",
    "\xe2\x96\x8d",
    "\xe2\x96\x8c",
    "\xe2\x96\x8b",
    "\xe2\x96\x8a",
    "\xe2\x96\x89",
    "\xe2\x96\x88",
};
static const char *const rising_ascii[EIGHTHS + 1] = {" ", ".", ".", ".", ":", ":", ":", "#", "#"};
static const char *const growing_ascii[EIGHTHS + 1] = {" ", " ", " ", " ", "#", "#", "#", "#", "#"};

static unsigned clamp(unsigned value, unsigned min, unsigned max)
{
    if (value < min) {
        return min;
    }
    return value > max ? max : value;
}

/* The largest of the values that fall on the column; negative if none does. */
static int64_t column_value(const int64_t *values, size_t count, size_t column, size_t columns)
{
    const size_t first = column * count / columns;
    size_t end = (column + 1) * count / columns;
    end = end > first ? end : first + 1;
    int64_t largest = -1;
    for (size_t i = first; i < end; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    return largest;
}

/* Height in eighths of a line: whatever is not nothing shows. */
static unsigned height_of(int64_t value, int64_t largest, unsigned height_lines)
{
    if (value <= 0 || largest <= 0) {
        return 0;
    }
    const unsigned full = height_lines * EIGHTHS;
    const unsigned height = (unsigned)((double)value * full / (double)largest + 0.5);
    return clamp(height, 1, full);
}

static const char *format_scale(const struct plot_settings *settings, int64_t value, char text[32])
{
    return settings->has_bytes ? out_format_bytes(value, text) : out_format_count(value, text);
}

static int append_line(const struct plot_settings *settings, const unsigned *heights,
                       size_t columns, unsigned line, const char *label, struct str *text)
{
    const char *const *blocks = settings->is_utf8 ? rising_blocks : rising_ascii;
    int r = str_printf(text, "%*s %s", SCALE_COLUMNS - 2, label,
                       settings->is_utf8 ? "\xe2\x94\x82" : "|");
    size_t blanks = 0; /* held back, so that no line ends in blanks */
    for (size_t i = 0; i < columns && r == 0; i++) {
        const unsigned below = line * EIGHTHS;
        if (heights[i] <= below) {
            blanks++;
            continue;
        }
        r = str_append_repeated(text, ' ', blanks);
        blanks = 0;
        if (r == 0) {
            r = str_append(text, blocks[clamp(heights[i] - below, 0, EIGHTHS)]);
        }
    }
    return r < 0 ? r : str_append_char(text, '\n');
}

static int append_axis(const struct plot_settings *settings, size_t columns, int64_t from_ns,
                       int64_t to_ns, struct str *text)
{
    char from[32];
    char to[32];
    out_format_ns(from_ns, from);
    out_format_ns(to_ns, to);
    int r = str_printf(text, "%*s %s", SCALE_COLUMNS - 2, "0",
                       settings->is_utf8 ? "\xe2\x94\x94" : "+");
    for (size_t i = 0; i < columns && r == 0; i++) {
        r = str_append(text, settings->is_utf8 ? "\xe2\x94\x80" : "-");
    }
    if (r == 0) {
        r = str_printf(text, "\n%*s%s%*s\n", SCALE_COLUMNS, "", from,
                       (int)columns - (int)strlen(from), to);
    }
    return r;
}

int plot_timeline(const struct plot_settings *settings, const int64_t *values, size_t count,
                  int64_t from_ns, int64_t to_ns, struct str *text)
{
    const size_t columns =
        clamp(settings->width_columns, WIDTH_MIN, WIDTH_MAX) - (size_t)SCALE_COLUMNS;
    const unsigned height_lines = clamp(settings->height_lines, 1, HEIGHT_MAX);
    int64_t largest = -1;
    for (size_t i = 0; i < count; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    if (largest < 0) {
        return 0;
    }

    unsigned *heights = calloc(columns, sizeof(*heights));
    if (heights == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < columns; i++) {
        heights[i] = height_of(column_value(values, count, i, columns), largest, height_lines);
    }
    char scale[32];
    format_scale(settings, largest, scale);
    int r = 0;
    for (unsigned line = height_lines; line > 0 && r == 0; line--) {
        r = append_line(settings, heights, columns, line - 1, line == height_lines ? scale : "",
                        text);
    }
    if (r == 0) {
        r = append_axis(settings, columns, from_ns, to_ns, text);
    }
    free(heights);
    return r;
}

int plot_bar(unsigned width_columns, bool is_utf8, double part, double whole, struct str *text)
{
    const unsigned full = width_columns * EIGHTHS;
    unsigned length = 0;
    if (part > 0 && whole > 0) {
        length = part < whole ? (unsigned)(part * full / whole + 0.5) : full;
        length = clamp(length, 1, full);
    }

    const char *const *blocks = is_utf8 ? growing_blocks : growing_ascii;
    int r = 0;
    for (unsigned i = 0; i < width_columns && r == 0; i++) {
        const unsigned before = i * EIGHTHS;
        r = str_append(text, blocks[length > before ? clamp(length - before, 0, EIGHTHS) : 0]);
    }
    return r;
}
