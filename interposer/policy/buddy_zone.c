#include "buddy_zone.h"

/* ---- zones -------------------------------------------------------------------------------------
 */

static size_t order_bits(const struct buddy *buddy, unsigned order)
{
    return (buddy->zone_units >> order_spacing_bits(order, buddy->is_weighted)) + 1;
}

size_t buddy_zone_left_words(const struct buddy *buddy)
{
    return (buddy->zone_units + 63) / 64;
}

size_t buddy_zone_note_bytes(const struct buddy *buddy)
{
    size_t words = buddy_zone_left_words(buddy);
    for (unsigned order = 0; order <= buddy->order_top; order++) {
        words += bitmap_words(order_bits(buddy, order));
    }
    return sizeof(struct buddy_zone) + words * sizeof(uint64_t) + buddy->zone_units;
}

void buddy_zone_init(const struct buddy *buddy, struct buddy_zone *zone)
{
    uint64_t *words = (uint64_t *)(zone + 1);
    for (unsigned order = 0; order <= buddy->order_top; order++) {
        bitmap_init(&zone->free[order], words, order_bits(buddy, order));
        words += bitmap_words(order_bits(buddy, order));
    }
    zone->left = (_Atomic uint64_t *)words;
    zone->units = (uint8_t *)(words + buddy_zone_left_words(buddy));
}

/* ---- blocks of a zone --------------------------------------------------------------------------
 */

void buddy_zone_free(struct buddy *buddy, struct buddy_zone *zone, struct buddy_block block)
{
    zone->units[block.unit] = (uint8_t)((block.order + 1) | (block.is_third ? BUDDY_IS_THIRD : 0));
    bitmap_add(&zone->free[block.order],
               block.unit >> order_spacing_bits(block.order, buddy->is_weighted));
    zone->orders |= order_bit(block.order);
    buddy->free_counts[block.order]++;
}

void buddy_zone_unfree(struct buddy *buddy, struct buddy_zone *zone, struct buddy_block block)
{
    bitmap_remove(&zone->free[block.order],
                  block.unit >> order_spacing_bits(block.order, buddy->is_weighted));
    if (bitmap_is_empty(&zone->free[block.order])) {
        zone->orders &= ~order_bit(block.order);
    }
    buddy->free_counts[block.order]--;
    zone->units[block.unit] = 0;
}

struct buddy_block buddy_zone_block(const struct buddy_zone *zone, uint32_t unit)
{
    uint8_t state = zone->units[unit];
    return (struct buddy_block){unit, (unsigned)(state & BUDDY_ORDER) - 1,
                                (state & BUDDY_IS_THIRD) != 0};
}

/* The free block of an order at the lowest address. */
struct buddy_block buddy_zone_first(const struct buddy *buddy, const struct buddy_zone *zone,
                                    unsigned order)
{
    size_t bit = bitmap_first(&zone->free[order]);
    return buddy_zone_block(zone, (uint32_t)(bit << order_spacing_bits(order, buddy->is_weighted)));
}

/* Joins the block, which is not free yet, with buddies as far as they are. Returns the whole. */
struct buddy_block buddy_zone_merge(struct buddy *buddy, struct buddy_zone *zone,
                                    struct buddy_block block, uint64_t *merge_count)
{
    struct buddy_block other;
    struct buddy_block whole;
    while (block_buddy(block, buddy->order_top, buddy->is_weighted, &other, &whole)) {
        if ((zone->units[other.unit] & (BUDDY_ORDER | BUDDY_IS_LIVE)) != other.order + 1) {
            break;
        }
        other = buddy_zone_block(zone, other.unit);
        whole.is_third = other.unit < block.unit ? other.is_third : block.is_third;
        buddy_zone_unfree(buddy, zone, other);
        block = whole;
        (*merge_count)++;
    }
    return block;
}

/* Cuts the block down until no smaller one would do. */
struct buddy_block buddy_zone_cut(struct buddy *buddy, struct buddy_zone *zone,
                                  struct buddy_block block, unsigned order, uint64_t *split_count)
{
    while (block.order > order && order_can_split(block.order, buddy->is_weighted)) {
        struct buddy_block left;
        struct buddy_block right;
        block_split(block, buddy->is_weighted, &left, &right);
        if (left.order < order) {
            break;
        }
        /* The smaller one if it is enough; of two equal ones the lower. */
        bool is_right = right.order >= order && right.order < left.order;
        buddy_zone_free(buddy, zone, is_right ? left : right);
        block = is_right ? right : left;
        (*split_count)++;
    }
    return block;
}
