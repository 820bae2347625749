#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

/* FNV-1a */
static uint64_t hash_of(const char *text, size_t size_bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size_bytes; i++) {
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static int add(struct words *words, uint64_t hash, const char *text, size_t size_bytes)
{
    if (vec_reserve((void **)&words->items, &words->capacity, words->count + 1,
                    sizeof(*words->items)) < 0) {
        return -ENOMEM;
    }
    char *copy = strndup(text, size_bytes);
    if (copy == NULL || map_put(&words->numbers, hash, (uint32_t)words->count) < 0) {
        free(copy);
        return -ENOMEM;
    }
    words->items[words->count++] = copy;
    return 0;
}

int words_number(struct words *words, const char *text, size_t size_bytes, uint32_t *out_number)
{
    uint32_t number;
    size_bytes = strnlen(text, size_bytes);
    uint64_t hash = hash_of(text, size_bytes);
    for (; map_get(&words->numbers, hash, &number); hash++) { /* another text may have it */
        const char *item = words->items[number];
        if (strncmp(item, text, size_bytes) == 0 && item[size_bytes] == '\0') {
            *out_number = number;
            return 0;
        }
    }
    number = (uint32_t)words->count;
    int result = add(words, hash, text, size_bytes);
    if (result == 0) {
        *out_number = number;
    }
    return result;
}

void words_fini(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->items[i]);
    }
    free(words->items);
    map_fini(&words->numbers);
    *words = (struct words){.count = 0};
}
