#include "grid.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "term.h"

enum {
    GAP_COLUMNS = 2,       /* between columns */
    TIGHT_GAP_COLUMNS = 1, /* where lines would not fit otherwise */
    ELIDED_COLUMNS = 10,   /* no column is shortened to less */
    WRAPPED_COLUMNS_LEAST = 20,
    WRAPPED_LINES_MAX = 4,
};

static bool is_right(const struct grid_column *column, const struct grid_style *style)
{
    return !style->is_ragged && column->has_number && !column->has_text;
}

/* The gap with which lines may fit: the tight one if names at their shortest leave too little room.
 */
static unsigned choose_gap(const struct grid *grid, const struct grid_style *style,
                           const unsigned *widths)
{
    unsigned least = style->indent_columns;
    for (size_t i = 0; i < grid->column_count; i++) {
        bool may_shrink = !is_right(&grid->columns[i], style) && widths[i] > ELIDED_COLUMNS;
        least += (may_shrink ? ELIDED_COLUMNS : widths[i]) + (i > 0 ? GAP_COLUMNS : 0);
    }
    bool is_tight = style->width_columns > 0 && least > style->width_columns;
    return is_tight ? TIGHT_GAP_COLUMNS : GAP_COLUMNS;
}

/* Takes columns off the widest text columns until a line fits (or none can give any more). */
static void fit_widths(const struct grid *grid, const struct grid_style *style,
                       unsigned gap_columns, unsigned *widths)
{
    unsigned total = style->indent_columns;
    for (size_t i = 0; i < grid->column_count; i++) {
        total += widths[i] + (i > 0 ? gap_columns : 0);
    }
    while (style->width_columns > 0 && total > style->width_columns) {
        size_t widest = grid->column_count;
        unsigned next_width = ELIDED_COLUMNS;
        for (size_t i = 0; i < grid->column_count; i++) {
            if (is_right(&grid->columns[i], style) || widths[i] <= ELIDED_COLUMNS) {
                continue;
            }
            if (widest == grid->column_count || widths[i] > widths[widest]) {
                if (widest < grid->column_count) {
                    next_width = widths[widest];
                }
                widest = i;
            } else if (widths[i] > next_width) {
                next_width = widths[i];
            }
        }
        if (widest == grid->column_count) {
            return;
        }
        const unsigned over = total - style->width_columns;
        unsigned given = widths[widest] - next_width;
        given = given == 0 ? 1 : given;
        given = given > over ? over : given;
        widths[widest] -= given;
        total -= given;
    }
}

static int append_painted(const char *paint, bool is_colored, const struct str *text,
                          struct str *into)
{
    int r = is_colored ? str_append(into, paint) : 0;
    if (r == 0) {
        r = str_append_bytes(into, str_text(text), text->size_bytes);
    }
    if (r == 0 && is_colored) {
        r = str_append(into, "\x1b[0m");
    }
    return r;
}

/* One line being laid out: padding is only written ahead of something, so no line ends in blanks.
 */
struct line {
    const struct grid *grid;
    const struct grid_style *style;
    const unsigned *widths;
    unsigned gap_columns;
    unsigned pending_columns;
    size_t next_column;
    struct str *scratch;
    struct str *into;
};

/* Puts the text into its column; columns must come in rising order. */
static int line_put(struct line *line, size_t at, const char *text, size_t size_bytes,
                    const char *paint)
{
    if (size_bytes == 0) {
        return 0;
    }
    for (; line->next_column < at; line->next_column++) {
        line->pending_columns += line->widths[line->next_column] + line->gap_columns;
    }
    line->next_column = at + 1;

    const struct grid_column *column = &line->grid->columns[at];
    const unsigned width = line->widths[at];
    str_clear(line->scratch);
    int r = grid_append_elided(text, size_bytes, width, line->style->is_utf8, line->scratch);
    if (r < 0) {
        return r;
    }
    const unsigned columns = term_text_columns(str_text(line->scratch), line->scratch->size_bytes);
    const unsigned rest = columns < width ? width - columns : 0;
    const bool is_right_aligned = is_right(column, line->style);
    r = str_append_repeated(line->into, ' ', line->pending_columns + (is_right_aligned ? rest : 0));
    if (r < 0) {
        return r;
    }
    line->pending_columns = line->gap_columns + (is_right_aligned ? 0 : rest);
    return append_painted(paint, line->style->is_colored && paint[0] != '\0', line->scratch,
                          line->into);
}

static int render_headings(struct line line)
{
    int r = 0;
    for (size_t i = 0; i < line.grid->column_count && r == 0; i++) {
        const char *label = line.grid->columns[i].label;
        r = line_put(&line, i, label, strlen(label), "\x1b[1m");
    }
    return r < 0 ? r : str_append_char(line.into, '\n');
}

static int compare_cells(const void *a, const void *b)
{
    const struct grid_cell *left = a;
    const struct grid_cell *right = b;
    if (left->row != right->row) {
        return left->row < right->row ? -1 : 1;
    }
    return left->column < right->column ? -1 : left->column > right->column;
}

/* Of a key and its value: a value that is a sentence goes on beneath, not shortened. */
static int put_wrapped(struct line *line, const struct grid_cell *cell, const char *paint)
{
    const unsigned width = line->widths[cell->column];
    struct str text = {0};
    int r =
        grid_append_elided(line->grid->text.text + cell->text_at, cell->size_bytes,
                           WRAPPED_LINES_MAX * (width - width / 8), line->style->is_utf8, &text);
    unsigned key_columns = line->style->indent_columns;
    for (size_t i = 0; i < cell->column; i++) {
        key_columns += line->widths[i] + line->gap_columns;
    }
    for (size_t at = 0; at < text.size_bytes && r == 0;) {
        size_t taken = grid_bytes_of_line(text.text + at, text.size_bytes - at, width);
        if (at == 0) {
            r = line_put(line, cell->column, text.text, taken, paint);
        } else {
            r = str_append_char(line->into, '\n');
            line->pending_columns = key_columns;
            line->next_column = cell->column;
            r = r < 0 ? r : line_put(line, cell->column, text.text + at, taken, paint);
        }
        at += taken;
        at += at < text.size_bytes && text.text[at] == ' ' ? 1 : 0;
    }
    str_fini(&text);
    return r;
}

static int put_cell(struct line *line, const struct grid_cell *cell)
{
    const char *text = line->grid->text.text + cell->text_at;
    const char *paint = cell->is_dim ? "\x1b[2m" : "";
    bool is_last = cell->column + 1 == line->grid->column_count;
    bool is_wrapped = line->style->is_ragged && is_last &&
                      line->widths[cell->column] >= WRAPPED_COLUMNS_LEAST &&
                      term_text_columns(text, cell->size_bytes) > line->widths[cell->column];
    return is_wrapped ? put_wrapped(line, cell, paint)
                      : line_put(line, cell->column, text, cell->size_bytes, paint);
}

static int render_rows(const struct line *blank_line)
{
    const struct grid *grid = blank_line->grid;
    size_t cell_at = 0;
    size_t beneath_at = 0;
    int r = 0;
    for (size_t row = 0; row < grid->row_count && r == 0; row++) {
        struct line line = *blank_line;
        for (; cell_at < grid->cell_count && grid->cells[cell_at].row == row && r == 0; cell_at++) {
            r = put_cell(&line, &grid->cells[cell_at]);
        }
        if (r == 0) {
            r = str_append_char(line.into, '\n');
        }
        for (; beneath_at < grid->beneath_count && grid->beneath[beneath_at].row == row && r == 0;
             beneath_at++) {
            const struct grid_beneath *beneath = &grid->beneath[beneath_at];
            r = str_append_bytes(line.into, grid->text.text + beneath->text_at,
                                 beneath->size_bytes);
        }
    }
    return r;
}

int grid_render(struct grid *grid, const struct grid_style *style, struct str *into)
{
    assert(!grid->is_open);
    unsigned *widths = calloc(grid->column_count + 1, sizeof(*widths));
    struct str scratch = {0};
    int r = widths == NULL ? -ENOMEM : 0;
    if (r < 0) {
        goto out;
    }

    for (size_t i = 0; i < grid->column_count; i++) {
        struct grid_column *column = &grid->columns[i];
        const char *label = style->has_headings ? column->label : "";
        const unsigned label_columns = term_text_columns(label, strlen(label));
        if (label_columns > column->width_columns) {
            column->width_columns = label_columns;
        }
        widths[i] = column->width_columns;
    }
    const unsigned gap_columns = choose_gap(grid, style, widths);
    fit_widths(grid, style, gap_columns, widths);
    if (grid->cell_count > 1) {
        qsort(grid->cells, grid->cell_count, sizeof(*grid->cells), compare_cells);
    }
    struct line line = {.grid = grid,
                        .style = style,
                        .widths = widths,
                        .gap_columns = gap_columns,
                        .pending_columns = style->indent_columns,
                        .scratch = &scratch,
                        .into = into};
    if (style->has_headings) {
        r = render_headings(line);
    }
    if (r == 0) {
        r = render_rows(&line);
    }
    grid_clear(grid);

out:
    str_fini(&scratch);
    free(widths);
    return r;
}
