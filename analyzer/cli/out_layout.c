#include "out_state.h"

#include <string.h>

#include "../base/utf8.h"
#include "out_value.h"
#include "term.h"

static struct grid_style style_of(const struct out *out, const struct level *level)
{
    return (struct grid_style){
        .width_columns = out->width_columns,
        .indent_columns = level->indent_columns,
        .has_headings = level->kind == LEVEL_TABLE && !level->has_rows,
        .is_colored = out->is_colored,
        .is_utf8 = out->is_utf8,
        .is_ragged = level->kind == LEVEL_SECTION,
    };
}

void out_table_title(struct out *out, const char *title)
{
    if (out->has_printed) {
        out_put(out, "\n");
    }
    out->has_printed = true;
    if (title == NULL) {
        return;
    }
    size_t rest = strlen(title);
    out_put(out, out->is_colored ? "\x1b[1m" : "");
    while (out->width_columns > 0 && term_text_columns(title, rest) > out->width_columns) {
        size_t taken = grid_bytes_of_line(title, rest, out->width_columns);
        if (taken == 0) {
            break;
        }
        out_check(out, utf8_append_visible(&out->text, title, taken));
        out_put(out, "\n");
        title += taken;
        rest -= taken;
        size_t blanks = strspn(title, " ");
        title += blanks;
        rest -= blanks;
    }
    out_check(out, utf8_append_visible(&out->text, title, rest));
    out_put(out, out->is_colored ? "\x1b[0m\n" : "\n");
}

void out_table_render(struct out *out)
{
    struct level *level = out_top(out);
    const struct grid_style style = style_of(out, level);
    out_check(out, grid_render(&level->grid, &style, &out->text));
    level->has_rows = true;
    out_write(out);
}

/* The list becomes ready lines beneath the row it belongs to. */
void out_table_end_list(struct out *out)
{
    struct level *list = out_top(out);
    struct level *owner = list - 1;
    const struct grid_style style = style_of(out, list);
    struct str lines = {0};
    out_check(out, grid_render(&list->grid, &style, &lines));
    if (lines.size_bytes > 0 && owner->kind == LEVEL_SECTION) {
        out_check(out, str_append_bytes(&owner->prose, lines.text, lines.size_bytes));
    } else if (lines.size_bytes > 0) {
        out_check(out, grid_add_beneath(&owner[-1].grid, &lines));
    }
    str_fini(&lines);
}

void out_csv_heading(struct out *out)
{
    const struct level *level = out_top(out);
    for (size_t i = 0; i < level->grid.column_count; i++) {
        const struct out_value name = {.kind = OUT_KIND_TEXT, .text = level->grid.columns[i].key};
        out_put(out, i > 0 ? "," : "");
        out_check(out, out_value_append_csv(&name, &out->text));
    }
    out_put(out, "\n");
}

void out_csv_row(struct out *out)
{
    struct level *level = out_top(out);
    if (!level->has_rows) {
        out_csv_heading(out);
        level->has_rows = true;
    }
    for (size_t i = 0; i < level->grid.column_count; i++) {
        const struct grid_cell *cell = grid_find(&level->grid, i);
        out_put(out, i > 0 ? "," : "");
        if (cell != NULL) {
            out_check(out, str_append_bytes(&out->text, level->grid.text.text + cell->text_at,
                                            cell->size_bytes));
        }
    }
    out_put(out, "\n");
    grid_clear(&level->grid);
}
