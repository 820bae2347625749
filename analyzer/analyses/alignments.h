/*
 * alignments.h - what alignment costs: calls that ask for one, and the 16 bytes that all have.
 *
 * Padding is usable less requested bytes. What blocks at multiples of 8 would save is 8 bytes
 * wherever a block has as much padding: a program may not need more for structures of 8-byte words.
 */
#ifndef ALLOCAUDIT_ALIGNMENTS_H
#define ALLOCAUDIT_ALIGNMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"

enum {
    ALIGNMENT_CLASSES = 64, /* by log2 of what was asked for */
};

struct alignment_class {
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t padding_bytes;
};

struct alignments {
    struct alignment_class asked[ALIGNMENT_CLASSES];
    uint64_t allocation_count; /* of all, asked for or not */
    uint64_t peak_count;       /* live at the peak of the process */
    uint64_t peak_padding_bytes;
    uint64_t peak_by_8_bytes; /* what multiples of 8 would save there */
};

extern const struct analysis alignments_analysis;

/* The answer of a finished state. */
const struct alignments *alignments_of(const void *state);

#endif
