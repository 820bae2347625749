/*
 * out.h - the answer of a command: one call gives both the table cell and the JSON key.
 *
 * A document is a series of sections (key and value) and tables (rows). In JSON each is a member of
 * the one top-level object, which opens with "schema": 1; numbers there are raw, in bytes and ns.
 * In tables they are scaled ("1.2 MiB", "3.4 ms"), numbers stand right-aligned, and the last column
 * is elided to the terminal. Terminal escapes in names are made visible; broken UTF-8 is replaced.
 *
 *     out_begin_section(out, "summary", "Summary");
 *     out_bytes(out, "peak_bytes", "peak", peak_bytes);
 *     out_end_section(out);
 *     out_begin_table(out, "sites", "Hot sites by bytes");
 *     for each site {
 *         out_begin_row(out);
 *         out_bytes(out, "allocated_bytes", "allocated", site->allocated_bytes);
 *         out_text(out, "function", "function", site->function);
 *         out_begin_list(out, "stack");     (optional: lines beneath the row, an array in JSON)
 *         out_begin_row(out); out_text(out, "function", "function", ...); out_end_row(out);
 *         out_end_list(out);
 *         out_end_row(out);
 *     }
 *     out_end_table(out);
 *     out_note(out, "%" PRId64 " events were lost", lost_count);
 *     r = out_finish(out, &err);
 *
 * Calls are void: the first failure (memory, writing) is kept, the rest do nothing, and
 * out_finish() tells it. Wrong nesting is an assert. Keys and labels must live until out_finish();
 * texts are copied. A column stands where its key was first seen; a cell that a row leaves out is
 * blank (absent in JSON). A label of NULL makes a value JSON-only, a key of NULL table-only (bars).
 * A title of NULL prints rows without title and indentation. Not thread-safe.
 */
#ifndef ALLOCAUDIT_OUT_H
#define ALLOCAUDIT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"
#include "options.h"
#include "term.h"

enum {
    OUT_SCHEMA =
        1, /* "schema" in JSON: raised when a key changes its meaning; keys are only added */
};

enum out_format {
    OUT_TABLE,
    OUT_JSON,
    OUT_CSV, /* only the rows of tables, under a line of keys: for `sql` */
};

/* Zeroed: a table, colour by itself, elided. */
struct out_settings {
    enum out_format format;
    enum term_color color;
    bool has_full_names;
    /* JSON, for a reader that shows it to people: a last member "labels" says for each section,
     * table and list of a section ("section.list") its title and its columns with a label, in their
     * order: {"sites": {"title": "Hot sites", "columns": [["stack_id", "stack"], ...]}, ...}. */
    bool has_labels;
    size_t text_limit_bytes; /* JSON: longer texts are shortened in the middle; 0: never */
};

/* The rows for a command's option table: OUT_OPTIONS(struct report_settings, out), */
#define OUT_OPTIONS(settings, member)                                                              \
    {"format",                                                                                     \
     '\0',                                                                                         \
     NULL,                                                                                         \
     "how to print: tables for people, or JSON with raw numbers in bytes and ns",                  \
     "table",                                                                                      \
     OPTION_CHOICE_AT(settings, member.format),                                                    \
     .choices = OPTION_WORDS("table", "json")},                                                    \
        OUT_STYLE_OPTIONS(settings, member)

/* The same without --format, for commands that have their own list of formats. */
#define OUT_STYLE_OPTIONS(settings, member)                                                        \
    {"color",                                                                                      \
     '\0',                                                                                         \
     NULL,                                                                                         \
     "when to colour; auto: on a terminal, unless NO_COLOR is set",                                \
     "auto",                                                                                       \
     OPTION_CHOICE_AT(settings, member.color),                                                     \
     .choices = OPTION_WORDS("auto", "always", "never")},                                          \
    {                                                                                              \
        "full-names", '\0', NULL, "do not shorten names to the width of the terminal", NULL,       \
            OPTION_FLAG_AT(settings, member.has_full_names)                                        \
    }

struct out; /* opaque */

/* Begins a document on `stream` (stdout), which stays the caller's. `command` becomes "command" in
 * JSON. Returns 0 or -ENOMEM. */
int out_create(const char *command, const struct out_settings *settings, FILE *stream,
               struct out **out_out, struct err *err);

/*
 * Ends the document: prints the notes, flushes, checks. Returns 0, -ENOMEM, -EPIPE (the reader has
 * left: be quiet) or another negative errno of the write ("cannot write the output: ..."). Use
 * cmd_finish() of cmd.h in commands.
 */
int out_finish(struct out *out, struct err *err);

/* Frees it, finished or not. NULL is fine. */
void out_destroy(struct out *out);

/* True once something has failed: a long loop may stop then. */
bool out_has_failed(const struct out *out);

/* True if rows should carry what only JSON shows, e.g. whole stacks. */
bool out_is_json(const struct out *out);

/* Columns the document is laid out for; 0: unlimited. For plots. */
unsigned out_width_columns(const struct out *out);

/* Key and value lines beneath a title; an object in JSON. Sections do not nest. */
void out_begin_section(struct out *out, const char *key, const char *title);
void out_end_section(struct out *out);

/* Rows beneath a title and headings; an array of objects in JSON. Without rows: "(none)" and []. */
void out_begin_table(struct out *out, const char *key, const char *title);
void out_end_table(struct out *out);

/* Declares a column ahead of the rows, so that its place and heading do not hang on them. */
void out_column(struct out *out, const char *key, const char *label);

void out_begin_row(struct out *out);
void out_end_row(struct out *out);

/* Rows that belong to the row or section that is open: printed beneath it, indented, without
 * headings; an array in JSON. Lists nest. */
void out_begin_list(struct out *out, const char *key);
void out_end_list(struct out *out);

/* JSON only (ask out_is_json() before): an object within the section or row that is open, and an
 * array of plain numbers. */
void out_begin_object(struct out *out, const char *key);
void out_end_object(struct out *out);
void out_numbers(struct out *out, const char *key, const uint64_t *numbers, size_t count);

/* Values: of a section (one line each) or of a row (one cell each). */
void out_text(struct out *out, const char *key, const char *label,
              const char *text); /* NULL: null */
void out_aside(struct out *out, const char *key, const char *label, const char *text); /* dim */
void out_bool(struct out *out, const char *key, const char *label, bool value);        /* yes, no */
void out_number(struct out *out, const char *key, const char *label, int64_t number);  /* 4711 */
void out_count(struct out *out, const char *key, const char *label, int64_t count); /* 1,234,567 */
void out_bytes(struct out *out, const char *key, const char *label, int64_t bytes); /* 1.2 MiB */
void out_ns(struct out *out, const char *key, const char *label, int64_t ns);       /* 3.4 ms */
/* Rates, averages; infinite or not a number: null. In tables with that many decimals. */
#define OUT_DECIMALS_NEEDED UINT32_MAX /* as many as the value has */
void out_real(struct out *out, const char *key, const char *label, double value, unsigned decimals);
/* part/whole*100 as "12.3 %"; a whole of 0: null. Name the key ..._pct. */
void out_percent(struct out *out, const char *key, const char *label, double part, double whole);
/* Wall-clock ns since 1970 as local "2026-11-22 21:04:23". */
void out_moment(struct out *out, const char *key, const char *label, int64_t unix_ns);
void out_null(struct out *out, const char *key, const char *label); /* "-" */

/* For tables whose rows have units of their own. */
enum out_unit {
    OUT_UNIT_COUNT,
    OUT_UNIT_BYTES,
    OUT_UNIT_NS,
};
void out_figure(struct out *out, const char *key, const char *label, enum out_unit unit,
                int64_t value);
/* What a figure has changed by: the same with a sign, "+1.2 MiB"; and in percent of `old`. */
void out_change(struct out *out, const char *key, const char *label, enum out_unit unit,
                int64_t change);
void out_percent_change(struct out *out, const char *key, const char *label, double change,
                        double old);

/* What a reader must know about the document (lost events, sampling): "note: ..." at the end of
 * the tables, an entry of "notes" in JSON. Lower case, no full stop. */
void out_note(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line for people only (plots, hints): nothing in JSON or CSV. Between sections, or inside a
 * section (then it stands behind its values). Control characters are made harmless; '\n' splits. */
void out_prose(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The scaled forms alone, for one-line summaries on stderr: 32 bytes always suffice. */
const char *out_format_bytes(int64_t bytes, char out_text[32]);
const char *out_format_ns(int64_t ns, char out_text[32]);
const char *out_format_count(int64_t count, char out_text[32]);

#endif
