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
