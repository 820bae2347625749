/*
 * ages.h - how long blocks live, on three clocks, and how well their site foretells it.
 *
 * The clocks count ns, bytes that the process allocates meanwhile, and allocations that it makes
 * meanwhile. The second is that of Barrett and Zorn ("Using Lifetime Predictors to Improve Memory
 * Allocation Performance", PLDI 1993), who call a block short-lived that dies within 32 KiB of
 * further allocation; unlike the first it is the same on every machine.
 *
 * A realloc ends a block and begins another.
 */
#ifndef ALLOCAUDIT_AGES_H
#define ALLOCAUDIT_AGES_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"

enum age_clock {
    AGE_NS,
    AGE_BYTES,
    AGE_ALLOCATIONS,
    AGE_CLOCK_COUNT
};

enum {
    AGE_CLASSES = 64, /* class 0: ages 0 and 1; class i: 2^i to 2^(i+1) - 1 */
    AGE_SHORT_BYTES = 32768,
    AGE_SITE_CLASSES = 25, /* of the bytes clock, two of the above each; the last: never freed */
};

struct age_class {
    uint64_t free_count;
    uint64_t freed_bytes;
};

struct site_ages {
    uint32_t stack_id;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t short_count; /* died within AGE_SHORT_BYTES of further allocation */
    uint64_t short_bytes;
    uint32_t classes[AGE_SITE_CLASSES];
};

struct ages {
    struct age_class clocks[AGE_CLOCK_COUNT][AGE_CLASSES];
    uint64_t allocation_count;
    uint64_t allocated_bytes;
    uint64_t free_count;
    uint64_t freed_bytes;
    uint64_t short_bytes;
    struct site_ages *sites; /* most bytes guessed wrong first, see site_ages_missed_bytes() */
    size_t site_count;
    /* Shares of allocated_bytes: of which the site foretells whether they are short-lived, if the
     * more frequent answer is always given; and of those by sites where 99 % or more are. */
    double predicted_share;
    double sure_share;
    /* Shannon's entropy of the class of age on the bytes clock, and of the size, in bits a block:
     * of any block, and of one whose site is known. */
    double age_bits;
    double age_bits_by_site;
    double size_bits;
    double size_bits_by_site;
};

extern const struct analysis ages_analysis;

/* The answer of a finished state. */
const struct ages *ages_of(const void *state);

/* The age within which that share of freed blocks had died, rounded up to a power of two. */
uint64_t ages_quantile(const struct ages *ages, enum age_clock clock, double share);

/* Bytes of blocks that did not do what most bytes of their site did. */
uint64_t site_ages_missed_bytes(const struct site_ages *site);

#endif
