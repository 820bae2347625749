#include "page_strings.h"

#include <stdlib.h>
#include <string.h>

#include "../base/utf8.h"
#include "../base/vec.h"

enum {
    LONGEST_BYTES = 1024,
    SHORTEST_BYTES = 16, /* names are not cut any shorter */
};

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0;
    for (; *text != '\0'; text++) {
        hash = map_mix(hash + (unsigned char)*text + 1);
    }
    return hash;
}

int page_strings_add(struct page_strings *strings, const char *text, uint32_t *out_number)
{
    uint64_t hash = hash_text(text);
    uint32_t number = 0;
    while (map_get(&strings->by_hash, hash, &number)) {
        if (strcmp(strings->texts[number], text) == 0) {
            *out_number = number;
            return 0;
        }
        hash++;
    }
    int result = vec_reserve((void **)&strings->texts, &strings->capacity, strings->count + 1,
                             sizeof(*strings->texts));
    if (result == 0) {
        result = map_put(&strings->by_hash, hash, (uint32_t)strings->count);
    }
    if (result < 0) {
        return result;
    }
    *out_number = (uint32_t)strings->count;
    strings->texts[strings->count++] = text;
    return 0;
}

/* The length from which on names are shortened. */
static size_t find_limit(const struct page_strings *strings, size_t limit_bytes)
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

int page_strings_append_json(const struct page_strings *strings, size_t limit_bytes,
                             struct str *into)
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

void page_strings_fini(struct page_strings *strings)
{
    map_fini(&strings->by_hash);
    free(strings->texts);
    *strings = (struct page_strings){0};
}
