/*
 * buddy_check.c - whether a buddy's zones are as they must be (buddy_check in buddy_zone.h).
 */
#include "buddy_zone.h"

#include <string.h>

static bool zone_is_left(const struct buddy_zone *zone, uint32_t unit)
{
    return (atomic_load(&zone->left[unit / 64]) >> unit % 64 & 1) != 0;
}

static const char *zone_check(const struct buddy *buddy, const struct buddy_zone *zone,
                              uint64_t *live_count, uint64_t free_counts[BUDDY_ORDERS_MAX])
{
    bool is_eager = policy_setting(&buddy->policy, BUDDY_lazy_count) == 0;
    for (uint32_t unit = 0; unit < buddy->zone_units;) {
        struct buddy_block block = buddy_zone_block(zone, unit);
        struct buddy_block other;
        struct buddy_block whole;
        if (zone->units[unit] == 0 || block.order > buddy->order_top) {
            return "a block begins nowhere";
        }
        bool is_live = (zone->units[unit] & BUDDY_IS_LIVE) != 0;
        if (!is_live && !bitmap_has(&zone->free[block.order],
                                    unit >> order_spacing_bits(block.order, buddy->is_weighted))) {
            return "a free block is in no bitmap";
        }
        if (!is_live && is_eager &&
            block_buddy(block, buddy->order_top, buddy->is_weighted, &other, &whole) &&
            (zone->units[other.unit] & (BUDDY_ORDER | BUDDY_IS_LIVE)) == other.order + 1) {
            return "two free buddies were not merged";
        }
        *live_count += is_live && !zone_is_left(zone, unit);
        free_counts[block.order] += !is_live;
        unit += order_units(block.order, buddy->is_weighted);
        if (unit > buddy->zone_units) {
            return "a block reaches beyond its zone";
        }
        for (uint32_t inside = block.unit + 1; inside < unit; inside++) {
            if (zone->units[inside] != 0) {
                return "two blocks overlap";
            }
        }
    }
    return NULL;
}

const char *buddy_check(const struct policy *policy)
{
    const struct buddy *buddy = (const struct buddy *)policy;
    uint64_t counts[POLICY_COUNTER_COUNT];
    uint64_t free_counts[BUDDY_ORDERS_MAX] = {0};
    uint64_t live_count = 0;
    for (struct policy_chunk *chunk = buddy->zones.next; chunk != &buddy->zones;
         chunk = chunk->next) {
        const char *wrong = zone_check(buddy, (struct buddy_zone *)chunk, &live_count, free_counts);
        if (wrong != NULL) {
            return wrong;
        }
        if (chunk->next != &buddy->zones && chunk->next->base < chunk->base) {
            return "zones are not in the order of their addresses";
        }
    }
    if (memcmp(free_counts, buddy->free_counts, sizeof(free_counts)) != 0) {
        return "free blocks are not those that were counted";
    }
    policy_count_ever(policy, counts);
    bool is_balanced = counts[COUNT_take_count] - counts[COUNT_give_count] == live_count;
    return is_balanced ? NULL : "live blocks are not those taken and not given back";
}
