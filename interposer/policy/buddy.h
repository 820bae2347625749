/*
 * buddy.h - halves of halves of a zone, joined again when both are free.
 *
 *   zone of 16   |               16              |      a block of 16
 *                |       8       |       8       |      cut in two
 *                |   4   | 2 | 2 |       8       |      ... until it is as small as asked for
 *
 *   weighted     |           12          |   4   |      a block of 16 is cut into 3/4 and 1/4,
 *                |       8       |   4   |   4   |      one of 12 into 2/3 and 1/3
 *
 * Sizes are counted in units of the smallest block. Binary orders are 2^k units, weighted ones 2^k
 * and 3 * 2^k. The buddy of a block follows from its order and place, but for one case: a weighted
 * block of 2^k units at a place that is 2 * 2^k beyond a multiple of 4 * 2^k may be the last third
 * of a block of 3 * 2^k, or the first two thirds of one of 3 * 2^(k-1). A bit tells which.
 *
 * Beside the zone lie a byte for each unit (the order of the block that begins there, and whether
 * it lives) and a bitmap of free blocks for each order. All under the policy's lock. The work of
 * one call is bounded by the number of orders, which is what it is for, unless merging is lazy.
 */
#ifndef ALLOCAUDIT_POLICY_BUDDY_H
#define ALLOCAUDIT_POLICY_BUDDY_H

#include "bitmap.h"
#include "policy.h"

enum {
    BUDDY_ORDERS_MAX = 48,
};

/* What a byte of a zone says of the block that begins at its unit; 0: none does. */
enum {
    BUDDY_ORDER = 0x3f, /* order + 1 */
    BUDDY_IS_THIRD = 0x40,
    BUDDY_IS_LIVE = 0x80,
};

struct buddy_zone {
    struct policy_chunk chunk;
    uint64_t orders; /* a bit for each order that has free blocks */
    struct bitmap free[BUDDY_ORDERS_MAX];
    _Atomic uint64_t *left; /* by unit: given back without the lock */
    uint8_t *units;
    /* the words of the bitmaps follow */
};

struct buddy {
    struct policy policy;
    unsigned unit_bits;
    bool is_weighted;
    unsigned order_top; /* the whole zone */
    uint32_t zone_units;
    uint64_t block_max_bytes;
    uint64_t spare_count;                   /* zones without live blocks */
    uint64_t free_counts[BUDDY_ORDERS_MAX]; /* in all zones */
    struct policy_chunk zones;              /* the head of their list, by address */
};

#endif
