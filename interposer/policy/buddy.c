/*
 * buddy.c - halves of halves of a zone, joined again when both are free.
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
#include "buddy_zone.h"

static bool buddy_init(struct policy *policy)
{
    struct buddy *buddy = (struct buddy *)policy;
    uint64_t unit_bytes = policy_setting(policy, BUDDY_block_min_bytes);
    uint64_t zone_bytes = policy_setting(policy, BUDDY_zone_bytes);
    uint64_t block_max_bytes = policy_setting(policy, BUDDY_block_max_bytes);
    buddy->unit_bits = (unsigned)__builtin_ctzll(unit_bytes);
    buddy->zone_units = (uint32_t)(zone_bytes >> buddy->unit_bits);
    buddy->is_weighted = policy_setting(policy, BUDDY_is_weighted) != 0;
    buddy->order_top =
        order_of_power((unsigned)__builtin_ctz(buddy->zone_units), buddy->is_weighted);
    buddy->block_max_bytes = block_max_bytes < zone_bytes ? block_max_bytes : zone_bytes;
    chunk_list_init(&buddy->zones);
    return buddy->order_top < BUDDY_ORDERS_MAX;
}

static void buddy_heap_init(struct policy_heap *heap)
{
    (void)heap;
}

/* ---- taking ------------------------------------------------------------------------------------
 */

/* The zones' list is by address. */
static void zone_enlist(struct buddy *buddy, struct buddy_zone *zone)
{
    struct policy_chunk *before = buddy->zones.previous;
    while (before != &buddy->zones && before->base > zone->chunk.base) {
        before = before->previous;
    }
    chunk_list_add(before, &zone->chunk);
}

static struct buddy_zone *buddy_add_zone(struct buddy *buddy)
{
    struct policy_chunk *chunk =
        policy_take_chunk(&buddy->policy, NULL, policy_setting(&buddy->policy, BUDDY_zone_bytes),
                          buddy_zone_note_bytes(buddy));
    if (chunk == NULL) {
        return NULL;
    }
    struct buddy_zone *zone = (struct buddy_zone *)chunk;
    buddy_zone_init(buddy, zone);
    buddy_zone_free(buddy, zone, (struct buddy_block){0, buddy->order_top, false});
    zone_enlist(buddy, zone);
    buddy->spare_count++;
    return zone;
}

/* The zone with the lowest address that has a block of the order or a larger one. */
static struct buddy_zone *buddy_find_zone(struct buddy *buddy, unsigned order, uint64_t *steps)
{
    for (struct policy_chunk *chunk = buddy->zones.next; chunk != &buddy->zones;
         chunk = chunk->next) {
        struct buddy_zone *zone = (struct buddy_zone *)chunk;
        (*steps)++;
        if (zone->orders >> order != 0) {
            return zone;
        }
    }
    return NULL;
}

/* What lazy merging has left undone. */
static void buddy_merge_all(struct buddy *buddy, struct policy_heap *heap)
{
    for (struct policy_chunk *chunk = buddy->zones.next; chunk != &buddy->zones;
         chunk = chunk->next) {
        struct buddy_zone *zone = (struct buddy_zone *)chunk;
        for (uint32_t unit = 0; unit < buddy->zone_units;) {
            struct buddy_block block = buddy_zone_block(zone, unit);
            if ((zone->units[unit] & BUDDY_IS_LIVE) == 0) {
                bool was_whole = block.order == buddy->order_top;
                buddy_zone_unfree(buddy, zone, block);
                block = buddy_zone_merge(buddy, zone, block, &heap->counts[COUNT_merge_count]);
                buddy_zone_free(buddy, zone, block);
                buddy->spare_count += !was_whole && block.order == buddy->order_top;
            }
            unit = block.unit + order_units(block.order, buddy->is_weighted);
        }
    }
}

static bool zone_is_whole(const struct buddy *buddy, const struct buddy_zone *zone)
{
    return (zone->orders & order_bit(buddy->order_top)) != 0;
}

static void *buddy_take_from(struct buddy *buddy, struct policy_heap *heap, struct buddy_zone *zone,
                             unsigned order, size_t size_bytes)
{
    uint64_t split_count = 0;
    buddy->spare_count -= zone_is_whole(buddy, zone);
    unsigned found = (unsigned)__builtin_ctzll(zone->orders >> order << order);
    struct buddy_block block = buddy_zone_first(buddy, zone, found);
    buddy_zone_unfree(buddy, zone, block);
    block = buddy_zone_cut(buddy, zone, block, order, &split_count);
    zone->units[block.unit] =
        (uint8_t)((block.order + 1) | BUDDY_IS_LIVE | (block.is_third ? BUDDY_IS_THIRD : 0));
    heap->counts[COUNT_take_count]++;
    heap->counts[COUNT_split_count] += split_count;
    policy_note_steps(heap, split_count);
    uintptr_t start = zone->chunk.base + ((uintptr_t)block.unit << buddy->unit_bits);
    CHUNK_UNPOISON(start, size_bytes);
    (void)size_bytes;
    return (void *)start;
}

static void buddy_collect(struct buddy *buddy, struct policy_heap *heap);

static struct buddy_zone *buddy_refill(struct buddy *buddy, struct policy_heap *heap,
                                       unsigned order, uint64_t *steps)
{
    struct buddy_zone *zone = NULL;
    heap->counts[COUNT_refill_count]++;
    if (policy_setting(&buddy->policy, BUDDY_lazy_count) != 0) {
        buddy_merge_all(buddy, heap);
        zone = buddy_find_zone(buddy, order, steps);
    }
    return zone != NULL ? zone : buddy_add_zone(buddy);
}

static void *buddy_take_inside(struct policy_heap *heap, size_t size_bytes, size_t alignment)
{
    struct buddy *buddy = (struct buddy *)heap->policy;
    size_t wanted_bytes = size_bytes > alignment ? size_bytes : alignment;
    if (wanted_bytes > buddy->block_max_bytes) {
        return policy_decline(heap, size_bytes > buddy->block_max_bytes
                                        ? COUNT_declined_size_count
                                        : COUNT_declined_alignment_count);
    }
    uint32_t units =
        (uint32_t)((wanted_bytes + ((size_t)1 << buddy->unit_bits) - 1) >> buddy->unit_bits);
    unsigned order = order_for(units, buddy->is_weighted);
    uint64_t steps = 0;
    policy_lock(&buddy->policy.lock);
    buddy_collect(buddy, heap);
    struct buddy_zone *zone = buddy_find_zone(buddy, order, &steps);
    if (zone == NULL) {
        zone = buddy_refill(buddy, heap, order, &steps);
    }
    policy_note_steps(heap, steps);
    void *block = zone != NULL ? buddy_take_from(buddy, heap, zone, order, size_bytes)
                               : policy_decline(heap, COUNT_declined_full_count);
    policy_unlock(&buddy->policy.lock);
    return block;
}

/* ---- giving back -------------------------------------------------------------------------------
 */

static void buddy_keep_or_give_zone(struct buddy *buddy, struct buddy_zone *zone)
{
    if (buddy->spare_count < policy_setting(&buddy->policy, BUDDY_spare_zones) ||
        !chunk_may_go(&zone->chunk)) {
        buddy->spare_count++;
        return;
    }
    buddy->free_counts[buddy->order_top]--;
    chunk_list_remove(&zone->chunk);
    policy_give_chunk(&zone->chunk);
}

/* True: *out_unit is where a live block begins. */
static bool zone_find(const struct buddy *buddy, const struct buddy_zone *zone, uintptr_t block,
                      uint32_t *out_unit)
{
    uintptr_t offset = block - zone->chunk.base;
    *out_unit = (uint32_t)(offset >> buddy->unit_bits);
    return (offset & (((uintptr_t)1 << buddy->unit_bits) - 1)) == 0 &&
           (zone->units[*out_unit] & BUDDY_IS_LIVE) != 0;
}

static void buddy_give_unit(struct buddy *buddy, struct policy_heap *heap, struct buddy_zone *zone,
                            uint32_t unit)
{
    struct buddy_block block = buddy_zone_block(zone, unit);
    uint64_t merge_count = 0;
    CHUNK_POISON(zone->chunk.base + ((uintptr_t)unit << buddy->unit_bits),
                 (uintptr_t)order_units(block.order, buddy->is_weighted) << buddy->unit_bits);
    zone->units[unit] = 0;
    if (buddy->free_counts[block.order] >= policy_setting(&buddy->policy, BUDDY_lazy_count)) {
        block = buddy_zone_merge(buddy, zone, block, &merge_count);
    }
    buddy_zone_free(buddy, zone, block);
    heap->counts[COUNT_merge_count] += merge_count;
    policy_note_steps(heap, merge_count);
    if (block.order == buddy->order_top) {
        buddy_keep_or_give_zone(buddy, zone);
    }
}

static bool buddy_leave(struct policy_chunk *chunk, uintptr_t block)
{
    const struct buddy *buddy = (const struct buddy *)chunk->policy;
    struct buddy_zone *zone = (struct buddy_zone *)chunk;
    uint32_t unit;
    if (!zone_find(buddy, zone, block, &unit)) {
        return false;
    }
    chunk_enter(chunk);
    uint64_t bit = UINT64_C(1) << unit % 64;
    uint64_t was = atomic_fetch_or_explicit(&zone->left[unit / 64], bit, memory_order_release);
    chunk_queue_and_exit(&chunk->policy->queue, chunk);
    return (was & bit) == 0;
}

static void zone_collect(struct buddy *buddy, struct policy_heap *heap, struct buddy_zone *zone)
{
    for (size_t word = 0; word < buddy_zone_left_words(buddy); word++) {
        if (atomic_load_explicit(&zone->left[word], memory_order_relaxed) == 0) {
            continue;
        }
        uint64_t bits = atomic_exchange_explicit(&zone->left[word], 0, memory_order_acquire);
        for (; bits != 0; bits &= bits - 1) {
            buddy_give_unit(buddy, heap, zone,
                            (uint32_t)(word * 64 + (size_t)__builtin_ctzll(bits)));
        }
    }
}

/* The giver count keeps a zone from going while its words are still being looked at. */
static void buddy_collect(struct buddy *buddy, struct policy_heap *heap)
{
    struct policy_chunk *chunk = chunk_queue_take(&buddy->policy.queue);
    while (chunk != NULL) {
        struct buddy_zone *zone = (struct buddy_zone *)chunk;
        chunk_enter(chunk);
        struct policy_chunk *next = chunk_unqueue(chunk);
        zone_collect(buddy, heap, zone);
        atomic_fetch_sub(&chunk->giver_count, 1);
        chunk = next;
    }
}

static bool buddy_give_inside(struct policy_heap *heap, struct policy_chunk *chunk, uintptr_t block)
{
    struct buddy *buddy = (struct buddy *)chunk->policy;
    struct buddy_zone *zone = (struct buddy_zone *)chunk;
    uint32_t unit;
    policy_lock(&buddy->policy.lock);
    bool is_live = zone_find(buddy, zone, block, &unit);
    if (is_live) {
        heap->counts[COUNT_give_count]++;
        buddy_give_unit(buddy, heap, zone, unit);
    }
    policy_unlock(&buddy->policy.lock);
    return is_live;
}

POLICY_GUARDED(buddy, struct policy_heap)

static size_t buddy_usable(const struct policy_chunk *chunk, uintptr_t block)
{
    const struct buddy *buddy = (const struct buddy *)chunk->policy;
    const struct buddy_zone *zone = (const struct buddy_zone *)chunk;
    uint32_t unit;
    if (!zone_find(buddy, zone, block, &unit)) {
        return 0;
    }
    return (size_t)order_units(buddy_zone_block(zone, unit).order, buddy->is_weighted)
           << buddy->unit_bits;
}

/* What was left counts as given, though it is not collected yet. */
static void buddy_count(const struct policy *policy, uint64_t counts[POLICY_COUNTER_COUNT])
{
    counts[COUNT_give_count] += atomic_load(&policy->noted_give_count);
}

const struct policy_operations buddy_operations = {
    .policy_bytes = sizeof(struct buddy),
    .heap_bytes = sizeof(struct policy_heap),
    .init = buddy_init,
    .heap_init = buddy_heap_init,
    .take = buddy_take,
    .take_aligned = buddy_take_aligned,
    .give = buddy_give,
    .leave = buddy_leave,
    .usable = buddy_usable,
    .count = buddy_count,
    .check = buddy_check,
};
