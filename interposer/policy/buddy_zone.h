/*
 * buddy_zone.h - a zone of a buddy: which blocks it is cut into, and which of them are free.
 *
 * Beside the zone lie a byte for each unit, a bitmap of free blocks for each order, and a bit for
 * each unit whose block was given back without the lock. Under the policy's lock.
 */
#ifndef ALLOCAUDIT_POLICY_BUDDY_ZONE_H
#define ALLOCAUDIT_POLICY_BUDDY_ZONE_H

#include "bitmap.h"
#include "buddy_orders.h"
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

size_t buddy_zone_note_bytes(const struct buddy *buddy);
size_t buddy_zone_left_words(const struct buddy *buddy);

/* A fresh zone has no block yet. */
void buddy_zone_init(const struct buddy *buddy, struct buddy_zone *zone);

/* The block that begins at the unit. */
struct buddy_block buddy_zone_block(const struct buddy_zone *zone, uint32_t unit);

/* Enters the block as a free one, and takes a free one out. */
void buddy_zone_free(struct buddy *buddy, struct buddy_zone *zone, struct buddy_block block);
void buddy_zone_unfree(struct buddy *buddy, struct buddy_zone *zone, struct buddy_block block);

/* The free block of an order at the lowest address; there is one. */
struct buddy_block buddy_zone_first(const struct buddy *buddy, const struct buddy_zone *zone,
                                    unsigned order);

/* Joins the block, which is not free yet, with buddies as far as they are. Returns the whole. */
struct buddy_block buddy_zone_merge(struct buddy *buddy, struct buddy_zone *zone,
                                    struct buddy_block block, uint64_t *merge_count);

/* Cuts the block down until no smaller one would do. */
struct buddy_block buddy_zone_cut(struct buddy *buddy, struct buddy_zone *zone,
                                  struct buddy_block block, unsigned order, uint64_t *split_count);

/* What is wrong with the zones, as a constant text, or NULL. No thread may be inside. */
const char *buddy_check(const struct policy *policy);

#endif
