/*
 * out_state.h - the inside of a document. For out*.c only.
 *
 * What is open lies on a stack of levels, the document itself at the bottom. JSON and CSV are
 * written as they come; a table keeps its rows in the level's grid until their widths are known.
 */
#ifndef ALLOCAUDIT_OUT_STATE_H
#define ALLOCAUDIT_OUT_STATE_H

#include "../base/str.h"
#include "grid.h"
#include "out.h"

enum level_kind {
    LEVEL_DOCUMENT,
    LEVEL_SECTION,
    LEVEL_TABLE,
    LEVEL_ROW,
    LEVEL_LIST,
};

struct level {
    enum level_kind kind;
    const char *key;  /* SECTION, TABLE, LIST */
    struct str title; /* JSON with labels: of a SECTION or TABLE */
    bool has_members; /* JSON: the next one needs a comma */
    bool has_title;
    bool has_rows;
    struct grid grid;        /* SECTION, TABLE, LIST */
    struct str prose;        /* SECTION: stands behind the values */
    unsigned indent_columns; /* of what is inside */
};

struct out {
    struct out_settings settings;
    FILE *stream;
    unsigned width_columns;
    bool is_colored;
    bool is_utf8;
    bool has_printed; /* tables: a blank line goes before the next title */
    int error;        /* the first failure */
    struct level *levels;
    size_t level_count;
    size_t level_capacity;
    struct str text;    /* to be written */
    struct str scratch; /* one value */
    struct str notes;   /* ready lines, or JSON members */
    struct str labels;  /* JSON members */
};

/* Keeps the first failure. */
void out_check(struct out *out, int r);

struct level *out_top(struct out *out);
void out_push(struct out *out, enum level_kind kind, bool has_title, unsigned indent_columns);
void out_pop(struct out *out);

/* Appends to the pending text; out_write() hands that to the stream. */
void out_put(struct out *out, const char *text);
void out_write(struct out *out);

/* Two levels of lines, rows in one line each. A key of NULL: a member of an array. */
void out_json_member(struct out *out, const char *key);
void out_json_open(struct out *out, const char *key, const char *bracket);
void out_json_close(struct out *out, const char *bracket);
/* With has_labels: notes the title of the level on top, a column of it or (of a row) of the level
 * beneath, and at its end adds what was noted to out->labels. */
void out_json_title(struct out *out, const char *key, const char *title);
void out_json_label(struct out *out, const char *key, const char *label);
void out_json_end_labels(struct out *out);

void out_table_title(struct out *out, const char *title);
void out_table_render(struct out *out);
/* The list on top becomes ready lines beneath the row or section that it belongs to. */
void out_table_end_list(struct out *out);

void out_csv_heading(struct out *out);
void out_csv_row(struct out *out);

#endif
