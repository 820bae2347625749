#include "grid.h"

#include <string.h>

#include "../base/utf8.h"
#include "name_elision.h"
#include "term.h"

size_t grid_bytes_of_columns(const char *text, size_t size_bytes, unsigned width_columns)
{
    unsigned columns = 0;
    size_t at = 0;
    while (at < size_bytes) {
        uint32_t code = 0;
        const size_t taken = utf8_decode(text + at, size_bytes - at, &code);
        columns += term_text_columns(text + at, taken);
        if (columns > width_columns) {
            break;
        }
        at += taken;
    }
    return at;
}

static int append_without_middle(const char *text, size_t size_bytes, unsigned width_columns,
                                 const char *ellipsis, struct str *into)
{
    const unsigned ellipsis_columns = term_text_columns(ellipsis, strlen(ellipsis));
    const unsigned columns = term_text_columns(text, size_bytes);
    if (columns <= width_columns || width_columns <= ellipsis_columns) {
        return str_append_bytes(into, text, size_bytes);
    }

    const unsigned kept_columns = width_columns - ellipsis_columns;
    const unsigned tail_columns = kept_columns / 2;
    const size_t head_bytes = grid_bytes_of_columns(text, size_bytes, kept_columns - tail_columns);
    const size_t tail_at = grid_bytes_of_columns(text, size_bytes, columns - tail_columns);
    int r = str_append_bytes(into, text, head_bytes);
    if (r == 0) {
        r = str_append(into, ellipsis);
    }
    return r < 0 ? r : str_append_bytes(into, text + tail_at, size_bytes - tail_at);
}

int grid_append_elided(const char *text, size_t size_bytes, unsigned width_columns, bool is_utf8,
                       struct str *into)
{
    const char *ellipsis = is_utf8 ? "\xe2\x80\xa6" : "...";
    if (term_text_columns(text, size_bytes) <= width_columns ||
        width_columns <= term_text_columns(ellipsis, strlen(ellipsis))) {
        return str_append_bytes(into, text, size_bytes);
    }

    struct str name = {0};
    int r = name_elision_shorten(text, size_bytes, width_columns, ellipsis, &name);
    if (r == 0) {
        r = append_without_middle(text, size_bytes, width_columns, ellipsis, into);
    } else if (r > 0) {
        r = append_without_middle(str_text(&name), name.size_bytes, width_columns, ellipsis, into);
    }
    str_fini(&name);
    return r;
}

size_t grid_bytes_of_line(const char *text, size_t size_bytes, unsigned width_columns)
{
    size_t fitting = grid_bytes_of_columns(text, size_bytes, width_columns);
    size_t at = fitting;
    if (fitting == size_bytes) {
        return fitting;
    }
    while (at > 0 && (text[at] != ' ' || text[at + 1] == '%')) {
        at--;
    }
    return at > 0 ? at : fitting;
}
