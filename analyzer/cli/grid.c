#include "grid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "term.h"

static bool is_same(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a == b || strcmp(a, b) == 0;
}

static bool is_column(const struct grid_column *column, const char *key, const char *label)
{
    return is_same(column->key, key) && (key != NULL || is_same(column->label, label));
}

int grid_column(struct grid *grid, const char *key, const char *label, size_t *out_column)
{
    /* Rows mostly come in the order of the columns: try the next one first. */
    for (size_t i = 0; i < grid->column_count; i++) {
        const size_t at = (grid->next_column + i) % grid->column_count;
        if (is_column(&grid->columns[at], key, label)) {
            grid->next_column = at + 1;
            *out_column = at;
            return 0;
        }
    }

    int r = vec_reserve((void **)&grid->columns, &grid->column_capacity, grid->column_count + 1,
                        sizeof(*grid->columns));
    if (r < 0) {
        return r;
    }
    grid->columns[grid->column_count] = (struct grid_column){.key = key, .label = label};
    *out_column = grid->column_count;
    grid->column_count++;
    grid->next_column = grid->column_count;
    return 0;
}

void grid_begin_row(struct grid *grid)
{
    grid->row_count++;
    grid->next_column = 0;
    grid->is_open = true;
}

void grid_end_row(struct grid *grid)
{
    grid->is_open = false;
}

int grid_add(struct grid *grid, const char *key, const char *label, const char *text, bool is_text,
             bool is_dim)
{
    assert(grid->is_open);
    struct grid_cell cell = {.row = grid->row_count - 1,
                             .text_at = grid->text.size_bytes,
                             .size_bytes = strlen(text),
                             .is_text = is_text,
                             .is_dim = is_dim};
    int r = grid_column(grid, key, label, &cell.column);
    if (r < 0) {
        return r;
    }
    r = vec_reserve((void **)&grid->cells, &grid->cell_capacity, grid->cell_count + 1,
                    sizeof(*grid->cells));
    if (r < 0) {
        return r;
    }
    r = str_append_bytes(&grid->text, text, cell.size_bytes);
    if (r < 0) {
        return r;
    }

    struct grid_column *column = &grid->columns[cell.column];
    const unsigned columns = term_text_columns(text, cell.size_bytes);
    if (columns > column->width_columns) {
        column->width_columns = columns;
    }
    column->has_text = column->has_text || is_text;
    column->has_number = column->has_number || !is_text;
    grid->cells[grid->cell_count] = cell;
    grid->cell_count++;
    return 0;
}

const struct grid_cell *grid_find(const struct grid *grid, size_t column)
{
    for (size_t i = grid->cell_count; i > 0 && grid->cells[i - 1].row + 1 == grid->row_count; i--) {
        if (grid->cells[i - 1].column == column) {
            return &grid->cells[i - 1];
        }
    }
    return NULL;
}

int grid_add_beneath(struct grid *grid, const struct str *lines)
{
    assert(grid->row_count > 0);
    int r = vec_reserve((void **)&grid->beneath, &grid->beneath_capacity, grid->beneath_count + 1,
                        sizeof(*grid->beneath));
    if (r < 0) {
        return r;
    }

    const struct grid_beneath beneath = {.row = grid->row_count - 1,
                                         .text_at = grid->text.size_bytes,
                                         .size_bytes = lines->size_bytes};
    r = str_append_bytes(&grid->text, str_text(lines), lines->size_bytes);
    if (r < 0) {
        return r;
    }
    grid->beneath[grid->beneath_count] = beneath;
    grid->beneath_count++;
    return 0;
}

void grid_clear(struct grid *grid)
{
    grid->row_count = 0;
    grid->cell_count = 0;
    grid->beneath_count = 0;
    str_clear(&grid->text);
}

void grid_fini(struct grid *grid)
{
    free(grid->columns);
    free(grid->cells);
    free(grid->beneath);
    str_fini(&grid->text);
    *grid = (struct grid){0};
}
