#include "extent.h"

#include <string.h>

struct extent extent_from(const struct extent *whole, uint64_t start)
{
    if (start >= whole->size_bytes) {
        return (struct extent){NULL, 0};
    }
    return (struct extent){whole->bytes + start, whole->size_bytes - (size_t)start};
}

bool extent_u32(const struct extent *from, uint64_t at, uint32_t *out_value)
{
    if (at > from->size_bytes || from->size_bytes - at < sizeof(*out_value)) {
        return false;
    }
    memcpy(out_value, from->bytes + at, sizeof(*out_value));
    return true;
}

bool extent_u64(const struct extent *from, uint64_t at, uint64_t *out_value)
{
    if (at > from->size_bytes || from->size_bytes - at < sizeof(*out_value)) {
        return false;
    }
    memcpy(out_value, from->bytes + at, sizeof(*out_value));
    return true;
}

bool extent_u8(const struct extent *from, uint64_t at, uint8_t *out_value)
{
    if (at >= from->size_bytes) {
        return false;
    }
    *out_value = from->bytes[at];
    return true;
}

const char *extent_text(const struct extent *from, uint64_t at)
{
    bool is_whole = at < from->size_bytes &&
                    memchr(from->bytes + at, '\0', from->size_bytes - (size_t)at) != NULL;
    return is_whole ? (const char *)from->bytes + at : NULL;
}
