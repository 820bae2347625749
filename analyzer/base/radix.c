#include "radix.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGIT_BITS = 11,
    DIGITS = 1 << DIGIT_BITS,
    KEY_BITS = 64,
};

static unsigned digit_of(uint64_t key, unsigned shift)
{
    return (unsigned)(key >> shift) & (DIGITS - 1);
}

static bool is_in_order(const struct radix_pair *pairs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (pairs[i - 1].key > pairs[i].key) {
            return false;
        }
    }
    return true;
}

/* The bits in which keys differ. */
static uint64_t differing_bits(const struct radix_pair *pairs, size_t count)
{
    uint64_t bits = 0;
    for (size_t i = 1; i < count; i++) {
        bits |= pairs[i].key ^ pairs[0].key;
    }
    return bits;
}

static void distribute(const struct radix_pair *from, struct radix_pair *to, size_t count,
                       unsigned shift)
{
    size_t places[DIGITS] = {0};
    for (size_t i = 0; i < count; i++) {
        places[digit_of(from[i].key, shift)]++;
    }
    size_t place = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        size_t next = place + places[i];
        places[i] = place;
        place = next;
    }
    for (size_t i = 0; i < count; i++) {
        to[places[digit_of(from[i].key, shift)]++] = from[i];
    }
}

int radix_sort(struct radix_pair *pairs, size_t count)
{
    if (is_in_order(pairs, count)) {
        return 0;
    }
    struct radix_pair *other = calloc(count, sizeof(*other));
    if (other == NULL) {
        return -ENOMEM;
    }
    struct radix_pair *from = pairs;
    struct radix_pair *to = other;
    uint64_t bits = differing_bits(pairs, count);
    unsigned shift = 0;
    while (bits >> shift != 0) {
        shift +=
            (unsigned)__builtin_ctzll(bits >> shift); /* bits that are all equal take no turn */
        distribute(from, to, count, shift);
        struct radix_pair *sorted = to;
        to = from;
        from = sorted;
        shift += DIGIT_BITS;
        if (shift >= KEY_BITS) {
            break;
        }
    }
    if (from != pairs) {
        memcpy(pairs, from, count * sizeof(*pairs));
    }
    free(other);
    return 0;
}
