#include "out_state.h"

#include <string.h>

#include "../base/utf8.h"

/* The comma and the space or line ahead of a member, and its key unless it stands in an array. */
void out_json_member(struct out *out, const char *key)
{
    struct level *level = out_top(out);
    const bool is_inline = level->kind == LEVEL_ROW || out->level_count > 2;
    if (level->has_members) {
        out_put(out, ",");
    }
    if (!is_inline) {
        out_put(out, out->level_count == 1 ? "\n  " : "\n    ");
    } else if (level->has_members) {
        out_put(out, " ");
    }
    level->has_members = true;
    if (key != NULL && out->error == 0) {
        out_check(out, utf8_append_json(&out->text, key, strlen(key)));
        out_put(out, ": ");
    }
}

void out_json_open(struct out *out, const char *key, const char *bracket)
{
    out_json_member(out, key);
    out_put(out, bracket);
}

void out_json_close(struct out *out, const char *bracket)
{
    if (out_top(out)->has_members && out->level_count == 2) {
        out_put(out, "\n  ");
    }
    out_put(out, bracket);
}

void out_json_title(struct out *out, const char *key, const char *title)
{
    if (out->error < 0) {
        return;
    }
    out_top(out)->key = key;
    if (out->settings.has_labels && title != NULL) {
        out_check(out, str_append(&out_top(out)->title, title));
    }
}

void out_json_label(struct out *out, const char *key, const char *label)
{
    if (out->error < 0 || !out->settings.has_labels || key == NULL || label == NULL) {
        return;
    }
    bool is_row = out_top(out)->kind == LEVEL_ROW;
    size_t column = 0;
    out_check(out, grid_column(&out->levels[out->level_count - (is_row ? 2 : 1)].grid, key, label,
                               &column));
}

static void append_label(struct out *out, const char *before, const char *text)
{
    if (out->error == 0) {
        out_check(out, str_append(&out->labels, before));
        out_check(out, utf8_append_json(&out->labels, text, strlen(text)));
    }
}

/* Lists of rows have the same columns in every row: only those of sections are told. */
void out_json_end_labels(struct out *out)
{
    const struct level *level = out_top(out);
    const struct level *owner = &out->levels[out->level_count - 2];
    bool is_list = level->kind == LEVEL_LIST;
    if (out->error < 0 || !out->settings.has_labels || level->key == NULL ||
        (is_list && owner->kind != LEVEL_SECTION)) {
        return;
    }
    struct str name = {0};
    out_check(out, str_printf(&name, "%s%s%s", is_list ? owner->key : "", is_list ? "." : "",
                              level->key));
    append_label(out, out->labels.size_bytes > 0 ? ",\n    " : "\n    ", str_text(&name));
    str_fini(&name);
    append_label(out, ": {\"title\": ", str_text(&level->title));
    out_check(out, str_append(&out->labels, ", \"columns\": ["));
    for (size_t i = 0; i < level->grid.column_count; i++) {
        append_label(out, i > 0 ? ", [" : "[", level->grid.columns[i].key);
        append_label(out, ", ", level->grid.columns[i].label);
        out_check(out, str_append(&out->labels, "]"));
    }
    out_check(out, str_append(&out->labels, "]}"));
}
