/*
 * pool_bytes.h - the memory that the blocks of a group took at the peak of the process, and what
 * they would take on an allocator, or in a pool. No state.
 */
#ifndef ALLOCAUDIT_POOL_BYTES_H
#define ALLOCAUDIT_POOL_BYTES_H

#include <stdint.h>

#include "../model/block_costs.h"
#include "pooling.h"

/* On an allocator, as measured. `group` NULL: all blocks of up to POOLING_SIZE_MAX bytes. */
double pool_bytes_on(const struct pooling *pooling, const struct pool_group *group,
                     const struct block_costs *costs);

/*
 * As recorded (of a group, never NULL): usable bytes, and what the allocator in use takes besides:
 * as measured, or, without (costs NULL or not measured), header_bytes for each.
 */
double pool_bytes_recorded(const struct pooling *pooling, const struct pool_group *group,
                           const struct block_costs *costs, uint32_t header_bytes);

/* Chunks that so many slots take: of 4 KiB, or larger ones for 8 slots at least. */
uint64_t pool_chunks_bytes(uint32_t slot_bytes, uint64_t live_count);

/* 8 for glibc, which keeps a size before each block; 0 for those that keep sizes elsewhere. */
uint32_t pool_header_bytes(const char *allocator);

#endif
