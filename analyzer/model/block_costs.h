/*
 * block_costs.h - the memory that a block takes on an allocator, by its size, as it was measured on
 * this machine (replay/block_calibration.h). No state.
 */
#ifndef ALLOCAUDIT_BLOCK_COSTS_H
#define ALLOCAUDIT_BLOCK_COSTS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BLOCK_COST_SIZE_MAX = 8192,
    BLOCK_COST_PLACES = BLOCK_COST_SIZE_MAX / 8 + 1,
};

/* By size, rounded up to a multiple of 8; the first place is of no use. */
struct block_costs {
    bool is_measured;
    float usable_bytes[BLOCK_COST_PLACES]; /* as malloc_usable_size() has them */
    float growth_bytes[BLOCK_COST_PLACES]; /* of the process, for each of many such blocks */
};

/* The place of a size of up to BLOCK_COST_SIZE_MAX bytes. */
static inline uint32_t block_cost_place(uint64_t size_bytes)
{
    return size_bytes == 0 ? 1 : (uint32_t)((size_bytes + 7) / 8);
}

#endif
