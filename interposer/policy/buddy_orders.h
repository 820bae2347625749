/*
 * buddy_orders.h - the arithmetic of buddies: sizes of orders, how blocks are cut and joined.
 *
 * Binary: order k has 2^k units. Weighted: orders by size are 1, 2, 3, 4, 6, 8, 12, 16 ... units,
 * so that an odd order, and order 0, is a power of two and the others are three times one.
 */
#ifndef ALLOCAUDIT_POLICY_BUDDY_ORDERS_H
#define ALLOCAUDIT_POLICY_BUDDY_ORDERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A block: its place and order. is_third is the bit that buddy.h speaks of. A place is ambiguous
 * for one order only, so the bit belongs to the place: it stays when the block there is cut or
 * joined.
 */
struct buddy_block {
    uint32_t unit;
    unsigned order;
    bool is_third;
};

static inline bool order_is_triple(unsigned order, bool is_weighted)
{
    return is_weighted && order != 0 && order % 2 == 0;
}

/* k of 2^k or 3 * 2^k. */
static inline unsigned order_power(unsigned order, bool is_weighted)
{
    if (!is_weighted) {
        return order;
    }
    return order == 0 ? 0 : order % 2 != 0 ? (order + 1) / 2 : order / 2 - 1;
}

static inline unsigned order_of_power(unsigned power, bool is_weighted)
{
    return !is_weighted || power == 0 ? power : 2 * power - 1;
}

static inline unsigned order_of_triple(unsigned power)
{
    return 2 * power + 2;
}

/* In a set of orders. */
static inline uint64_t order_bit(unsigned order)
{
    return UINT64_C(1) << (order & 63);
}

static inline uint32_t order_units(unsigned order, bool is_weighted)
{
    uint32_t units = UINT32_C(1) << (order_power(order, is_weighted) & 31);
    return order_is_triple(order, is_weighted) ? 3 * units : units;
}

/* Blocks of an order begin at multiples of so many units. */
static inline unsigned order_spacing_bits(unsigned order, bool is_weighted)
{
    unsigned power = order_power(order, is_weighted);
    return order_is_triple(order, is_weighted) ? power + 2 : power;
}

/* The smallest order of `units` or more. */
static inline unsigned order_for(uint32_t units, bool is_weighted)
{
    if (units <= 1) {
        return 0;
    }
    unsigned power = 32u - (unsigned)__builtin_clz(units - 1); /* 2^power is enough */
    if (is_weighted && power >= 2 && units <= 3 * (UINT32_C(1) << (power - 2))) {
        return order_of_triple(power - 2);
    }
    return order_of_power(power, is_weighted);
}

/* False: a block of this order is never cut. */
static inline bool order_can_split(unsigned order, bool is_weighted)
{
    return is_weighted ? order >= 2 : order >= 1;
}

/* Cuts a block in two; the left one is at its place and at least as large. */
static inline void block_split(struct buddy_block block, bool is_weighted,
                               struct buddy_block *out_left, struct buddy_block *out_right)
{
    unsigned power = order_power(block.order, is_weighted);
    unsigned left;
    unsigned right;
    bool is_triple = order_is_triple(block.order, is_weighted);
    if (!is_weighted) {
        left = right = block.order - 1;
    } else if (is_triple) {
        left = order_of_power(power + 1, true);
        right = order_of_power(power, true);
    } else {
        left = order_of_triple(power - 2);
        right = order_of_power(power - 2, true);
    }
    *out_left = (struct buddy_block){block.unit, left, block.is_third};
    *out_right =
        (struct buddy_block){block.unit + order_units(left, is_weighted), right, is_triple};
}

/*
 * The block's buddy and what both together are, but for their is_third, which the caller knows.
 * False for the whole zone.
 */
static inline bool block_buddy(struct buddy_block block, unsigned order_top, bool is_weighted,
                               struct buddy_block *out_buddy, struct buddy_block *out_whole)
{
    unsigned power = order_power(block.order, is_weighted);
    uint32_t unit = block.unit;
    if (block.order == order_top) {
        return false;
    }
    if (!is_weighted) {
        *out_buddy = (struct buddy_block){unit ^ UINT32_C(1) << power, block.order, false};
        *out_whole = (struct buddy_block){unit & ~(UINT32_C(1) << power), block.order + 1, false};
        return true;
    }
    if (order_is_triple(block.order, true)) { /* three quarters */
        *out_buddy =
            (struct buddy_block){unit + (UINT32_C(3) << power), order_of_power(power, true), false};
        *out_whole = (struct buddy_block){unit, order_of_power(power + 2, true), false};
    } else if ((unit >> power & 3) == 3) { /* the last quarter */
        *out_buddy =
            (struct buddy_block){unit - (UINT32_C(3) << power), order_of_triple(power), false};
        *out_whole = (struct buddy_block){out_buddy->unit, order_of_power(power + 2, true), false};
    } else if ((unit >> power & 3) == 2 && block.is_third) { /* the last third */
        *out_buddy = (struct buddy_block){unit - (UINT32_C(2) << power),
                                          order_of_power(power + 1, true), false};
        *out_whole = (struct buddy_block){out_buddy->unit, order_of_triple(power), false};
    } else { /* the first two thirds */
        *out_buddy = (struct buddy_block){unit + (UINT32_C(1) << power),
                                          order_of_power(power - 1, true), false};
        *out_whole = (struct buddy_block){unit, order_of_triple(power - 1), false};
    }
    return true;
}

#endif
