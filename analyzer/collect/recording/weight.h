/*
 * weight.h - how many allocations a recorded one stands for, if only a sample was recorded.
 *
 * The program records an allocation of n bytes with probability p = 1 - exp(-(n + 1) /
 * sample_bytes) (interposer/sample.h), so counting it 1 / p times gives unbiased estimates of every
 * sum. Weights are whole numbers: 1 / p is rounded up or down by chance, so that its mean is right,
 * and sums over rows, sites and processes agree to the last digit. The chance follows from the
 * block itself, so it has the same weight whenever it is asked for.
 */
#ifndef ALLOCAUDIT_WEIGHT_H
#define ALLOCAUDIT_WEIGHT_H

#include <stdint.h>

#include "live.h"

/* sample_bytes 0: everything was recorded, all weights are 1. Mappings always are. */
uint32_t weight_of_sampled(uint64_t sample_bytes, const struct block *block);

static inline uint32_t weight_of(uint64_t sample_bytes, const struct block *block)
{
    return __builtin_expect(sample_bytes == 0, 1) ? 1 : weight_of_sampled(sample_bytes, block);
}

/* As the column `weight` has it: 0 where everything was recorded. */
static inline uint32_t weight_of_row(uint64_t sample_bytes, const struct block *block)
{
    return __builtin_expect(sample_bytes == 0, 1) ? 0 : weight_of_sampled(sample_bytes, block);
}

#endif
