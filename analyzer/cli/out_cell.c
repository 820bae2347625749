#include "out_state.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "../base/utf8.h"
#include "out_value.h"

enum {
    NOTE_INDENT_COLUMNS = 6, /* "note: " */
};

/* A line of a section: a row of two cells, the label and the value. */
static void section_line(struct out *out, const char *label, const struct out_value *value)
{
    struct grid *grid = &out_top(out)->grid;
    grid_begin_row(grid);
    out_check(out, grid_add(grid, "label", "", label, true, false));
    out_check(out, grid_add(grid, "value", "", str_text(&out->scratch), true,
                            value->kind == OUT_KIND_ASIDE));
    grid_end_row(grid);
}

static void put_value(struct out *out, const char *key, const char *label,
                      const struct out_value *value)
{
    if (out->error < 0) {
        return;
    }
    const struct level *level = out_top(out);
    assert(level->kind == LEVEL_ROW || level->kind == LEVEL_SECTION);
    if (out_is_json(out)) {
        if (key != NULL) {
            out_json_label(out, key, label);
            out_json_member(out, key);
            out_check(out, out_value_append_json(value, &out->text));
        }
        return;
    }
    if (label == NULL || (out->settings.format == OUT_CSV && key == NULL)) {
        return;
    }

    str_clear(&out->scratch);
    out_check(out, out->settings.format == OUT_CSV ? out_value_append_csv(value, &out->scratch)
                                                   : out_value_append_table(value, &out->scratch));
    if (out->error < 0) {
        return;
    }
    if (level->kind == LEVEL_SECTION) {
        section_line(out, label, value);
        return;
    }
    const bool is_text = !out_value_is_numeric(value) && value->kind != OUT_KIND_NULL;
    out_check(out, grid_add(&out->levels[out->level_count - 2].grid, key, label,
                            str_text(&out->scratch), is_text, value->kind == OUT_KIND_ASIDE));
}

void out_null(struct out *out, const char *key, const char *label)
{
    put_value(out, key, label, &(struct out_value){.kind = OUT_KIND_NULL});
}

static void put_text(struct out *out, const char *key, const char *label, const char *text,
                     enum out_kind kind)
{
    const size_t limit_bytes = out->settings.text_limit_bytes;
    struct str shortened = {0};
    if (text == NULL) {
        kind = OUT_KIND_NULL;
    } else if (out_is_json(out) && limit_bytes > 0 && strlen(text) > limit_bytes) {
        out_check(out, utf8_append_shortened(&shortened, text, strlen(text), limit_bytes));
        text = str_text(&shortened);
    }
    put_value(out, key, label, &(struct out_value){.kind = kind, .text = text});
    str_fini(&shortened);
}

void out_text(struct out *out, const char *key, const char *label, const char *text)
{
    put_text(out, key, label, text, OUT_KIND_TEXT);
}

void out_aside(struct out *out, const char *key, const char *label, const char *text)
{
    put_text(out, key, label, text, OUT_KIND_ASIDE);
}

static void put_number(struct out *out, const char *key, const char *label, int64_t number,
                       enum out_kind kind)
{
    put_value(out, key, label, &(struct out_value){.kind = kind, .number = number});
}

void out_bool(struct out *out, const char *key, const char *label, bool value)
{
    put_number(out, key, label, value, OUT_KIND_BOOL);
}

void out_number(struct out *out, const char *key, const char *label, int64_t number)
{
    put_number(out, key, label, number, OUT_KIND_NUMBER);
}

void out_count(struct out *out, const char *key, const char *label, int64_t count)
{
    put_number(out, key, label, count, OUT_KIND_COUNT);
}

void out_bytes(struct out *out, const char *key, const char *label, int64_t bytes)
{
    put_number(out, key, label, bytes, OUT_KIND_BYTES);
}

void out_ns(struct out *out, const char *key, const char *label, int64_t ns)
{
    put_number(out, key, label, ns, OUT_KIND_NS);
}

void out_moment(struct out *out, const char *key, const char *label, int64_t unix_ns)
{
    put_number(out, key, label, unix_ns, OUT_KIND_MOMENT);
}

void out_real(struct out *out, const char *key, const char *label, double value, unsigned decimals)
{
    if (!isfinite(value)) {
        out_null(out, key, label);
        return;
    }
    put_value(out, key, label,
              &(struct out_value){.kind = OUT_KIND_REAL, .real = value, .decimals = decimals});
}

void out_percent(struct out *out, const char *key, const char *label, double part, double whole)
{
    const double percent = part / whole * 100;
    if (!isfinite(percent)) {
        out_null(out, key, label);
        return;
    }
    put_value(out, key, label, &(struct out_value){.kind = OUT_KIND_PERCENT, .real = percent});
}

static const enum out_kind unit_kinds[] = {
    [OUT_UNIT_COUNT] = OUT_KIND_COUNT,
    [OUT_UNIT_BYTES] = OUT_KIND_BYTES,
    [OUT_UNIT_NS] = OUT_KIND_NS,
};

void out_figure(struct out *out, const char *key, const char *label, enum out_unit unit,
                int64_t value)
{
    put_number(out, key, label, value, unit_kinds[unit]);
}

void out_change(struct out *out, const char *key, const char *label, enum out_unit unit,
                int64_t change)
{
    put_value(out, key, label,
              &(struct out_value){.kind = unit_kinds[unit], .number = change, .is_change = true});
}

void out_percent_change(struct out *out, const char *key, const char *label, double change,
                        double old)
{
    const double percent = change / old * 100;
    if (!isfinite(percent)) {
        out_null(out, key, label);
        return;
    }
    put_value(out, key, label,
              &(struct out_value){.kind = OUT_KIND_PERCENT, .real = percent, .is_change = true});
}

/* Goes on in the next line, behind so many blanks, where the terminal ends; the first line has as
 * many columns before it. */
static void append_wrapped(struct out *out, const char *text, size_t size_bytes,
                           unsigned indent_columns, struct str *into)
{
    enum {
        ROOM_LEAST = 40,
    };
    struct str line = {0};
    out_check(out, utf8_append_visible(&line, text, size_bytes));
    const char *at = str_text(&line);
    const char *end = at + line.size_bytes;
    bool is_wrapped = out->width_columns >= indent_columns + ROOM_LEAST;
    while (out->error == 0 && at < end) {
        size_t rest = (size_t)(end - at);
        size_t taken =
            is_wrapped ? grid_bytes_of_line(at, rest, out->width_columns - indent_columns) : rest;
        out_check(out, str_append_bytes(into, at, taken));
        at += taken;
        at += at < end && *at == ' ' ? 1 : 0;
        if (at < end) {
            out_check(out, str_append_char(into, '\n'));
            out_check(out, str_append_repeated(into, ' ', indent_columns));
        }
    }
    str_fini(&line);
}

void out_note(struct out *out, const char *format, ...)
{
    if (out->error < 0) {
        return;
    }
    struct str note = {0};
    va_list args;
    va_start(args, format);
    out_check(out, str_vprintf(&note, format, args));
    va_end(args);
    if (out->error == 0 && out_is_json(out)) {
        out_check(out, str_append(&out->notes, out->notes.size_bytes > 0 ? ",\n    " : "\n    "));
        out_check(out, utf8_append_json(&out->notes, str_text(&note), note.size_bytes));
    } else if (out->error == 0) {
        out_check(out, str_append(&out->notes, "note: "));
        append_wrapped(out, str_text(&note), note.size_bytes, NOTE_INDENT_COLUMNS, &out->notes);
        out_check(out, str_append_char(&out->notes, '\n'));
    }
    str_fini(&note);
}

/* Line by line: an end of line is meant here, every other control character is not. */
static void append_lines(struct out *out, const char *lines, unsigned indent_columns,
                         struct str *into)
{
    while (out->error == 0) {
        const size_t length = strcspn(lines, "\n");
        out_check(out, str_append_repeated(into, ' ', length > 0 ? indent_columns : 0));
        size_t blanks = strspn(lines, " "); /* what is laid out by hand stays so */
        unsigned indent = indent_columns + (unsigned)(blanks < length ? blanks : 0);
        out_check(out, str_append_repeated(into, ' ', indent - indent_columns));
        append_wrapped(out, lines + (indent - indent_columns), length - (indent - indent_columns),
                       indent, into);
        out_check(out, str_append_char(into, '\n'));
        lines += length;
        if (*lines == '\0' || lines[1] == '\0') {
            return;
        }
        lines++;
    }
}

void out_prose(struct out *out, const char *format, ...)
{
    if (out->error < 0 || out->settings.format != OUT_TABLE) {
        return;
    }
    struct level *level = out_top(out);
    assert(level->kind == LEVEL_DOCUMENT || level->kind == LEVEL_SECTION);
    struct str prose = {0};
    va_list args;
    va_start(args, format);
    out_check(out, str_vprintf(&prose, format, args));
    va_end(args);
    struct str *into = level->kind == LEVEL_SECTION ? &level->prose : &out->text;
    append_lines(out, str_text(&prose), level->indent_columns, into);
    out->has_printed = true;
    str_fini(&prose);
}
