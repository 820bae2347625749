#include "captured.h"

#include <stdio.h>
#include <string.h>

/* FNV-1a: one multiplication a byte, and any difference shows. */
#define HASH_START  UINT64_C(0xcbf29ce484222325)
#define HASH_FACTOR UINT64_C(0x100000001b3)

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Keeps the last bytes of what was kept and what has come. */
static void keep_last(struct captured *captured, const char *bytes, size_t size_bytes)
{
    const size_t added = lesser(size_bytes, CAPTURED_END_BYTES);
    const size_t kept = lesser(captured->last_bytes, CAPTURED_END_BYTES - added);
    memmove(captured->last, captured->last + captured->last_bytes - kept, kept);
    memcpy(captured->last + kept, bytes + size_bytes - added, added);
    captured->last_bytes = kept + added;
}

void captured_add(struct captured *captured, const char *bytes, size_t size_bytes)
{
    uint64_t hash = captured->size_bytes == 0 ? HASH_START : captured->hash;
    for (size_t i = 0; i < size_bytes; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * HASH_FACTOR;
    }
    captured->hash = hash;
    captured->size_bytes += size_bytes;

    const size_t room = CAPTURED_END_BYTES - captured->first_bytes;
    memcpy(captured->first + captured->first_bytes, bytes, lesser(size_bytes, room));
    captured->first_bytes += lesser(size_bytes, room);
    keep_last(captured, bytes, size_bytes);
}

bool captured_is_same(const struct captured *left, const struct captured *right)
{
    return left->size_bytes == right->size_bytes && left->hash == right->hash;
}

bool captured_begins_with(const struct captured *captured, const char *text)
{
    const size_t length = strlen(text);
    return length <= captured->first_bytes && memcmp(captured->first, text, length) == 0;
}

void captured_last_line(const struct captured *captured, char out_line[CAPTURED_LINE_BYTES])
{
    size_t end = captured->last_bytes;
    while (end > 0 && (captured->last[end - 1] == '\n' || captured->last[end - 1] == '\r')) {
        end--;
    }
    size_t start = end;
    while (start > 0 && captured->last[start - 1] != '\n') {
        start--;
    }
    snprintf(out_line, CAPTURED_LINE_BYTES, "%.*s", (int)(end - start), captured->last + start);
}
