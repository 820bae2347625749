/*
 * grid.h - rows of cells laid out in aligned columns.
 *
 * Cells are collected, then rendered together: widths come from the widest cell, columns whose
 * values are all numbers are right-aligned, and where a line would be wider than allowed the widest
 * columns of text are elided in the middle; the value of a key goes on beneath instead. Zeroed is a
 * valid empty grid. Functions return 0 or -ENOMEM.
 */
#ifndef ALLOCAUDIT_GRID_H
#define ALLOCAUDIT_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/str.h"

struct grid_column {
    const char *key; /* both borrowed; one may be NULL */
    const char *label;
    unsigned width_columns; /* of the widest cell so far */
    bool has_text;          /* left-aligned */
    bool has_number;
    bool is_dim;
};

struct grid_cell {
    size_t row; /* index */
    size_t column;
    size_t text_at; /* in grid.text */
    size_t size_bytes;
    bool is_text;
    bool is_dim;
};

/* Lines that stand beneath a row (its lists), in the order of the rows. */
struct grid_beneath {
    size_t row;
    size_t text_at;
    size_t size_bytes;
};

struct grid {
    struct grid_column *columns;
    size_t column_count;
    size_t column_capacity;
    struct grid_cell *cells;
    size_t cell_count;
    size_t cell_capacity;
    struct grid_beneath *beneath;
    size_t beneath_count;
    size_t beneath_capacity;
    size_t row_count; /* including the open one */
    size_t next_column;
    struct str text;
    bool is_open; /* the last row may still get cells */
};

struct grid_style {
    unsigned width_columns; /* 0: unlimited */
    unsigned indent_columns;
    bool has_headings;
    bool is_colored;
    bool is_utf8;
    bool is_ragged; /* all cells left-aligned: key and value lines */
};

void grid_begin_row(struct grid *grid);
void grid_end_row(struct grid *grid);

/* Finds or adds the column. */
int grid_column(struct grid *grid, const char *key, const char *label, size_t *out_column);

/* Adds a cell to the open row; `text` is copied. */
int grid_add(struct grid *grid, const char *key, const char *label, const char *text, bool is_text,
             bool is_dim);

/* The cell of the last row in that column, or NULL. */
const struct grid_cell *grid_find(const struct grid *grid, size_t column);

/* Adds whole lines beneath the last row. */
int grid_add_beneath(struct grid *grid, const struct str *lines);

/* Appends all rows to `into` and forgets them; columns and widths stay, for the next lot. */
int grid_render(struct grid *grid, const struct grid_style *style, struct str *into);

/* Appends `text`, shortened to that many columns: names by their brackets and namespaces
 * (name_elision.h), other texts in the middle. */
int grid_append_elided(const char *text, size_t size_bytes, unsigned width_columns, bool is_utf8,
                       struct str *into);

/* Bytes of the longest beginning of `text` that fits into the columns. */
size_t grid_bytes_of_columns(const char *text, size_t size_bytes, unsigned width_columns);

/* Bytes of it that go on one line: up to a blank if there is one within the columns. */
size_t grid_bytes_of_line(const char *text, size_t size_bytes, unsigned width_columns);

/* Forgets the rows, as after rendering. */
void grid_clear(struct grid *grid);

void grid_fini(struct grid *grid);

#endif
