/*
 * bitmap.h - a set of numbers with its smallest found in a few steps, whatever its size.
 *
 * Level 0 has a bit for each number; each level above a bit for each word below that is not 0. The
 * words are the caller's, bitmap_words() of them, zero at first. No locks.
 */
#ifndef ALLOCAUDIT_POLICY_BITMAP_H
#define ALLOCAUDIT_POLICY_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BITMAP_LEVELS = 4, /* up to 2^24 numbers */
};

struct bitmap {
    uint64_t *levels[BITMAP_LEVELS];
    uint32_t level_count;
};

static inline size_t bitmap_words(size_t bit_count)
{
    size_t sum = 0;
    do {
        bit_count = (bit_count + 63) / 64;
        sum += bit_count;
    } while (bit_count > 1);
    return sum;
}

static inline void bitmap_init(struct bitmap *bitmap, uint64_t *words, size_t bit_count)
{
    bitmap->level_count = 0;
    do {
        bit_count = (bit_count + 63) / 64;
        bitmap->levels[bitmap->level_count++] = words;
        words += bit_count;
    } while (bit_count > 1 && bitmap->level_count < BITMAP_LEVELS);
}

static inline bool bitmap_is_empty(const struct bitmap *bitmap)
{
    return bitmap->levels[bitmap->level_count - 1][0] == 0;
}

static inline bool bitmap_has(const struct bitmap *bitmap, size_t bit)
{
    return (bitmap->levels[0][bit / 64] >> bit % 64 & 1) != 0;
}

static inline void bitmap_add(struct bitmap *bitmap, size_t bit)
{
    for (uint32_t level = 0; level < bitmap->level_count; level++) {
        uint64_t *word = &bitmap->levels[level][bit / 64];
        bool was_empty = *word == 0;
        *word |= UINT64_C(1) << bit % 64;
        if (!was_empty) {
            return;
        }
        bit /= 64;
    }
}

static inline void bitmap_remove(struct bitmap *bitmap, size_t bit)
{
    for (uint32_t level = 0; level < bitmap->level_count; level++) {
        uint64_t *word = &bitmap->levels[level][bit / 64];
        *word &= ~(UINT64_C(1) << bit % 64);
        if (*word != 0) {
            return;
        }
        bit /= 64;
    }
}

/* The smallest number; the set is not empty. */
static inline size_t bitmap_first(const struct bitmap *bitmap)
{
    size_t bit = 0;
    for (uint32_t level = bitmap->level_count; level-- > 0;) {
        bit = bit * 64 + (size_t)__builtin_ctzll(bitmap->levels[level][bit]);
    }
    return bit;
}

#endif
