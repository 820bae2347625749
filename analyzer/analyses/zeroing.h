/*
 * zeroing.h - what calloc has to clear, and what came clear from the system.
 *
 * Bytes are fresh if they lie in pages (4 KiB) that no block had used before, or in a block that
 * glibc mapped for itself: it need not clear those. Memory that was given back to the system and
 * taken again counts as used, so `fresh_bytes` is the least.
 */
#ifndef ALLOCAUDIT_ZEROING_H
#define ALLOCAUDIT_ZEROING_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"

struct zeroing_site {
    uint32_t stack_id;
    uint64_t calloc_count;
    uint64_t calloc_bytes;
    uint64_t fresh_bytes;
};

struct zeroing {
    struct zeroing_site *sites; /* most bytes that had to be cleared first */
    size_t site_count;
    uint64_t calloc_count;
    uint64_t calloc_bytes;
    uint64_t fresh_bytes;
    uint64_t allocation_count; /* of all kinds */
    uint64_t allocated_bytes;
};

extern const struct analysis zeroing_analysis;

/* The answer of a finished state. */
const struct zeroing *zeroing_of(const void *state);

#endif
