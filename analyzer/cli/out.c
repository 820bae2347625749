#include "out_state.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/utf8.h"
#include "../base/vec.h"

enum {
    FLUSH_BYTES = 64 * 1024,
    CHUNK_ROWS = 4096, /* rows of a table that are laid out together: bounds the memory */
    INDENT_COLUMNS = 2,
};

/* Keeps the first failure. */
void out_check(struct out *out, int r)
{
    if (r < 0 && out->error == 0) {
        out->error = r;
    }
}

struct level *out_top(struct out *out)
{
    return &out->levels[out->level_count - 1];
}

void out_write(struct out *out)
{
    errno = 0;
    if (out->error == 0 && out->text.size_bytes > 0 &&
        fwrite(out->text.text, 1, out->text.size_bytes, out->stream) != out->text.size_bytes) {
        out_check(out, errno != 0 ? -errno : -EIO);
    }
    str_clear(&out->text);
}

void out_put(struct out *out, const char *text)
{
    if (out->error == 0) {
        out_check(out, str_append(&out->text, text));
    }
}

static void level_fini(struct level *level)
{
    grid_fini(&level->grid);
    str_fini(&level->title);
    str_fini(&level->prose);
}

void out_push(struct out *out, enum level_kind kind, bool has_title, unsigned indent_columns)
{
    int r = vec_reserve((void **)&out->levels, &out->level_capacity, out->level_count + 1,
                        sizeof(*out->levels));
    if (r < 0) {
        out_check(out, r);
        return;
    }
    out->levels[out->level_count] =
        (struct level){.kind = kind, .has_title = has_title, .indent_columns = indent_columns};
    out->level_count++;
}

void out_pop(struct out *out)
{
    level_fini(out_top(out));
    out->level_count--;
}

int out_create(const char *command, const struct out_settings *settings, FILE *stream,
               struct out **out_out, struct err *err)
{
    struct out *out = calloc(1, sizeof(*out));
    if (out == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }

    out->settings = *settings;
    out->stream = stream;
    out->width_columns = settings->has_full_names ? 0 : term_width_columns(stream);
    out->is_colored = term_is_colored(stream, settings->color);
    out->is_utf8 = term_is_utf8();
    out_push(out, LEVEL_DOCUMENT, false, 0);
    if (out_is_json(out) && out->error == 0) {
        out_check(out, str_printf(&out->text, "{\n  \"schema\": %d,\n  \"command\": ", OUT_SCHEMA));
        out_check(out, utf8_append_json(&out->text, command, strlen(command)));
        out_top(out)->has_members = true;
    }
    if (out->error < 0) {
        out_destroy(out);
        return err_set(err, ENOMEM, "out of memory");
    }

    *out_out = out;
    return 0;
}

static void print_notes(struct out *out)
{
    if (out_is_json(out)) {
        out_put(out, ",\n  \"notes\": [");
        out_put(out, str_text(&out->notes));
        out_put(out, out->notes.size_bytes > 0 ? "\n  ]" : "]");
        if (out->settings.has_labels) {
            out_put(out, ",\n  \"labels\": {");
            out_put(out, str_text(&out->labels));
            out_put(out, out->labels.size_bytes > 0 ? "\n  }" : "}");
        }
        out_put(out, "\n}\n");
    } else if (out->settings.format == OUT_TABLE && out->notes.size_bytes > 0) {
        out_put(out, out->has_printed ? "\n" : "");
        out_put(out, str_text(&out->notes));
    }
}

int out_finish(struct out *out, struct err *err)
{
    if (out->error == 0) {
        assert(out->level_count == 1);
        print_notes(out);
        out_write(out);
    }
    errno = 0;
    if ((fflush(out->stream) != 0 || ferror(out->stream)) && out->error == 0) {
        out->error = errno != 0 ? -errno : -EIO;
    }
    if (out->error == -ENOMEM) {
        return err_set(err, ENOMEM, "out of memory");
    }
    return out->error == 0 ? 0 : err_set_errno(err, -out->error, "cannot write the output");
}

void out_destroy(struct out *out)
{
    if (out == NULL) {
        return;
    }
    while (out->level_count > 0) {
        out_pop(out);
    }
    free(out->levels);
    str_fini(&out->text);
    str_fini(&out->scratch);
    str_fini(&out->notes);
    str_fini(&out->labels);
    free(out);
}

bool out_has_failed(const struct out *out)
{
    return out->error < 0;
}

bool out_is_json(const struct out *out)
{
    return out->settings.format == OUT_JSON;
}

unsigned out_width_columns(const struct out *out)
{
    return out->width_columns;
}

void out_begin_section(struct out *out, const char *key, const char *title)
{
    if (out->error < 0) {
        return;
    }
    assert(out_top(out)->kind == LEVEL_DOCUMENT);
    if (out_is_json(out)) {
        out_json_open(out, key, "{");
    } else if (out->settings.format == OUT_TABLE) {
        out_table_title(out, title);
    }
    out_push(out, LEVEL_SECTION, title != NULL, title != NULL ? INDENT_COLUMNS : 0);
    out_json_title(out, key, title);
}

void out_end_section(struct out *out)
{
    if (out->error < 0) {
        return;
    }
    assert(out_top(out)->kind == LEVEL_SECTION);
    if (out_is_json(out)) {
        out_json_close(out, "}");
        out_json_end_labels(out);
    } else if (out->settings.format == OUT_TABLE) {
        out_table_render(out);
        out_put(out, str_text(&out_top(out)->prose));
    }
    out_pop(out);
}

void out_begin_table(struct out *out, const char *key, const char *title)
{
    if (out->error < 0) {
        return;
    }
    assert(out_top(out)->kind == LEVEL_DOCUMENT);
    if (out_is_json(out)) {
        out_json_open(out, key, "[");
    } else if (out->settings.format == OUT_TABLE) {
        out_table_title(out, title);
    }
    out_push(out, LEVEL_TABLE, title != NULL, title != NULL ? INDENT_COLUMNS : 0);
    out_json_title(out, key, title);
}

void out_end_table(struct out *out)
{
    if (out->error < 0) {
        return;
    }
    struct level *level = out_top(out);
    assert(level->kind == LEVEL_TABLE);
    if (out_is_json(out)) {
        out_json_close(out, "]");
        out_json_end_labels(out);
    } else if (out->settings.format == OUT_CSV) {
        if (!level->has_rows) {
            out_csv_heading(out);
        }
    } else if (level->grid.row_count > 0) {
        out_table_render(out);
    } else if (!level->has_rows) {
        out_put(out, level->has_title ? "  (none)\n" : "(none)\n");
    }
    out_write(out);
    out_pop(out);
}

void out_column(struct out *out, const char *key, const char *label)
{
    if (out->error < 0 || label == NULL) {
        return;
    }
    if (out_is_json(out)) {
        out_json_label(out, key, label);
        return;
    }
    size_t column = 0;
    assert(out_top(out)->kind == LEVEL_TABLE || out_top(out)->kind == LEVEL_LIST);
    out_check(out, grid_column(&out_top(out)->grid, key, label, &column));
}

void out_begin_row(struct out *out)
{
    if (out->error < 0) {
        return;
    }
    struct level *level = out_top(out);
    assert(level->kind == LEVEL_TABLE || level->kind == LEVEL_LIST);
    if (out_is_json(out)) {
        out_json_open(out, NULL, "{");
    } else {
        grid_begin_row(&level->grid);
    }
    out_push(out, LEVEL_ROW, false, level->indent_columns);
}

void out_end_row(struct out *out)
{
    if (out->error < 0) {
        return;
    }
    assert(out_top(out)->kind == LEVEL_ROW);
    if (out_is_json(out)) {
        out_json_close(out, "}");
    }
    out_pop(out);

    struct level *level = out_top(out);
    if (!out_is_json(out)) {
        grid_end_row(&level->grid);
    }
    if (out->settings.format == OUT_CSV && level->kind == LEVEL_TABLE) {
        out_csv_row(out);
    }
    if (out->settings.format == OUT_TABLE && level->kind == LEVEL_TABLE &&
        level->grid.row_count >= CHUNK_ROWS) {
        out_table_render(out);
    }
    if (out->text.size_bytes >= FLUSH_BYTES) {
        out_write(out);
    }
}

void out_begin_list(struct out *out, const char *key)
{
    if (out->error < 0) {
        return;
    }
    const struct level *level = out_top(out);
    assert(level->kind == LEVEL_ROW || level->kind == LEVEL_SECTION);
    const unsigned indent_columns = level->indent_columns + 2 * INDENT_COLUMNS;
    if (out_is_json(out)) {
        out_json_open(out, key, "[");
    }
    out_push(out, LEVEL_LIST, false, indent_columns);
    out_json_title(out, key, NULL);
}

void out_end_list(struct out *out)
{
    if (out->error < 0) {
        return;
    }
    assert(out_top(out)->kind == LEVEL_LIST);
    if (out_is_json(out)) {
        out_json_close(out, "]");
        out_json_end_labels(out);
    } else if (out->settings.format == OUT_TABLE) {
        out_table_end_list(out);
    }
    out_pop(out);
}

void out_begin_object(struct out *out, const char *key)
{
    if (out->error < 0) {
        return;
    }
    assert(out_is_json(out));
    assert(out_top(out)->kind == LEVEL_ROW || out_top(out)->kind == LEVEL_SECTION);
    out_json_open(out, key, "{");
    out_push(out, LEVEL_ROW, false, 0);
}

void out_end_object(struct out *out)
{
    if (out->error < 0) {
        return;
    }
    assert(out_top(out)->kind == LEVEL_ROW);
    out_json_close(out, "}");
    out_pop(out);
}

void out_numbers(struct out *out, const char *key, const uint64_t *numbers, size_t count)
{
    if (out->error < 0) {
        return;
    }
    assert(out_is_json(out));
    out_json_member(out, key);
    out_put(out, "[");
    for (size_t i = 0; i < count && out->error == 0; i++) {
        out_check(out, str_printf(&out->text, "%s%" PRIu64, i > 0 ? "," : "", numbers[i]));
    }
    out_put(out, "]");
}
