/*
 * sample_draw.h - random distances between sample points, for `run --sample`.
 *
 * Integers only: floating point would set flags that the program may look at, or trap on.
 */
#ifndef ALLOCAUDIT_SAMPLE_DRAW_H
#define ALLOCAUDIT_SAMPLE_DRAW_H

#include <stdint.h>

#define SAMPLE_MEAN_MAX (UINT64_C(1) << 30)

/* The next of a sequence of 64 random bits. Any state will do to begin with. */
uint64_t sample_random(uint64_t *state);

/*
 * -ln(bits / 2^64) in units of 2^-32, for bits from 1 on; error below 2^-30. What it gives for
 * random bits is distributed exponentially with mean 1.
 */
uint64_t sample_log(uint64_t bits);

/*
 * How many bytes to the next sample point, that byte included, if every byte is one with
 * probability 1 - exp(-1 / mean): at least 1. mean: 1 to SAMPLE_MEAN_MAX.
 */
uint64_t sample_draw(uint64_t *state, uint64_t mean_bytes);

#endif
