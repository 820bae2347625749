#include "page_strings.h"

#include <string.h>

#include "../base/utf8.h"

enum {
    LONGEST_BYTES = 1024,
    SHORTEST_BYTES = 16, /* names are not cut any shorter */
};

/* The length from which on names are shortened. */
static size_t find_limit(const struct intern *strings, size_t limit_bytes)
{
    size_t longest_bytes = LONGEST_BYTES;
    for (;;) {
        size_t sum_bytes = 0;
        for (size_t i = 0; i < strings->count; i++) {
            const size_t size_bytes = strlen(strings->texts[i]);
            sum_bytes += size_bytes < longest_bytes ? size_bytes : longest_bytes;
        }
        if (sum_bytes <= limit_bytes || longest_bytes <= SHORTEST_BYTES) {
            return longest_bytes;
        }
        longest_bytes -= longest_bytes / 4;
    }
}

int page_strings_append(const struct intern *strings, size_t limit_bytes, struct str *into)
{
    const size_t longest_bytes = find_limit(strings, limit_bytes);
    struct str shortened = {0};
    int result = str_append_char(into, '[');
    for (size_t i = 0; i < strings->count && result == 0; i++) {
        const char *text = strings->texts[i];
        str_clear(&shortened);
        result = utf8_append_shortened(&shortened, text, strlen(text), longest_bytes);
        if (result == 0 && i > 0) {
            result = str_append(into, ",\n");
        }
        if (result == 0) {
            result = utf8_append_json(into, str_text(&shortened), shortened.size_bytes);
        }
    }
    str_fini(&shortened);
    return result == 0 ? str_append_char(into, ']') : result;
}
