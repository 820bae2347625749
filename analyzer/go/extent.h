/*
 * extent.h - a part of a file in memory, of which nothing is read beyond its end. Single thread.
 */
#ifndef ALLOCAUDIT_EXTENT_H
#define ALLOCAUDIT_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
    const unsigned char *bytes; /* the caller's; NULL: there is nothing */
    size_t size_bytes;
};

/* What begins there and goes on to the same end; nothing if that is beyond it. */
struct extent extent_from(const struct extent *whole, uint64_t start);

/* A number in the byte order of this machine. False if it is not wholly inside. */
bool extent_u8(const struct extent *from, uint64_t at, uint8_t *out_value);
bool extent_u32(const struct extent *from, uint64_t at, uint32_t *out_value);
bool extent_u64(const struct extent *from, uint64_t at, uint64_t *out_value);

/* A text with its final '\0'; NULL unless it ends inside. */
const char *extent_text(const struct extent *from, uint64_t at);

#endif
