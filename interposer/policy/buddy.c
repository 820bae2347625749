#include "buddy.h"

#include <string.h>

#include "buddy_orders.h"

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

/* ---- zones -------------------------------------------------------------------------------------
 */

static size_t order_bits(const struct buddy *buddy, unsigned order)
{
    return (buddy->zone_units >> order_spacing_bits(order, buddy->is_weighted)) + 1;
}

static size_t left_words(const struct buddy *buddy)
{
    return (buddy->zone_units + 63) / 64;
}

static size_t zone_note_bytes(const struct buddy *buddy)
{
    size_t words = left_words(buddy);
    for (unsigned order = 0; order <= buddy->order_top; order++) {
        words += bitmap_words(order_bits(buddy, order));
    }
    return sizeof(struct buddy_zone) + words * sizeof(uint64_t) + buddy->zone_units;
}

static void zone_init(const struct buddy *buddy, struct buddy_zone *zone)
{
    uint64_t *words = (uint64_t *)(zone + 1);
    for (unsigned order = 0; order <= buddy->order_top; order++) {
        bitmap_init(&zone->free[order], words, order_bits(buddy, order));
        words += bitmap_words(order_bits(buddy, order));
    }
    zone->left = (_Atomic uint64_t *)words;
    zone->units = (uint8_t *)(words + left_words(buddy));
}

/* The zones' list is by address. */
static void zone_enlist(struct buddy *buddy, struct buddy_zone *zone)
{
    struct policy_chunk *before = buddy->zones.previous;
    while (before != &buddy->zones && before->base > zone->chunk.base) {
        before = before->previous;
    }
    chunk_list_add(before, &zone->chunk);
}

/* ---- blocks of a zone --------------------------------------------------------------------------
 */

static void block_free(struct buddy *buddy, struct buddy_zone *zone, struct buddy_block block)
{
    zone->units[block.unit] = (uint8_t)((block.order + 1) | (block.is_third ? BUDDY_IS_THIRD : 0));
    bitmap_add(&zone->free[block.order],
               block.unit >> order_spacing_bits(block.order, buddy->is_weighted));
    zone->orders |= order_bit(block.order);
    buddy->free_counts[block.order]++;
}

static void block_unfree(struct buddy *buddy, struct buddy_zone *zone, struct buddy_block block)
{
    bitmap_remove(&zone->free[block.order],
                  block.unit >> order_spacing_bits(block.order, buddy->is_weighted));
    if (bitmap_is_empty(&zone->free[block.order])) {
        zone->orders &= ~order_bit(block.order);
    }
    buddy->free_counts[block.order]--;
    zone->units[block.unit] = 0;
}

static struct buddy_block block_at(const struct buddy_zone *zone, uint32_t unit)
{
    uint8_t state = zone->units[unit];
    return (struct buddy_block){unit, (unsigned)(state & BUDDY_ORDER) - 1,
                                (state & BUDDY_IS_THIRD) != 0};
}

/* The free block of an order at the lowest address. */
static struct buddy_block block_first(const struct buddy *buddy, const struct buddy_zone *zone,
                                      unsigned order)
{
    size_t bit = bitmap_first(&zone->free[order]);
    return block_at(zone, (uint32_t)(bit << order_spacing_bits(order, buddy->is_weighted)));
}

/* Joins the block, which is not free yet, with buddies as far as they are. Returns the whole. */
static struct buddy_block block_merge(struct buddy *buddy, struct buddy_zone *zone,
                                      struct buddy_block block, uint64_t *merge_count)
{
    struct buddy_block other;
    struct buddy_block whole;
    while (block_buddy(block, buddy->order_top, buddy->is_weighted, &other, &whole)) {
        if ((zone->units[other.unit] & (BUDDY_ORDER | BUDDY_IS_LIVE)) != other.order + 1) {
            break;
        }
        other = block_at(zone, other.unit);
        whole.is_third = other.unit < block.unit ? other.is_third : block.is_third;
        block_unfree(buddy, zone, other);
        block = whole;
        (*merge_count)++;
    }
    return block;
}

/* Cuts the block down until no smaller one would do. */
static struct buddy_block block_cut(struct buddy *buddy, struct buddy_zone *zone,
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
        block_free(buddy, zone, is_right ? left : right);
        block = is_right ? right : left;
        (*split_count)++;
    }
    return block;
}

/* ---- taking ------------------------------------------------------------------------------------
 */

static struct buddy_zone *buddy_add_zone(struct buddy *buddy)
{
    struct policy_chunk *chunk =
        policy_take_chunk(&buddy->policy, NULL, policy_setting(&buddy->policy, BUDDY_zone_bytes),
                          zone_note_bytes(buddy));
    if (chunk == NULL) {
        return NULL;
    }
    struct buddy_zone *zone = (struct buddy_zone *)chunk;
    zone_init(buddy, zone);
    block_free(buddy, zone, (struct buddy_block){0, buddy->order_top, false});
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
            struct buddy_block block = block_at(zone, unit);
            if ((zone->units[unit] & BUDDY_IS_LIVE) == 0) {
                bool was_whole = block.order == buddy->order_top;
                block_unfree(buddy, zone, block);
                block = block_merge(buddy, zone, block, &heap->counts[COUNT_merge_count]);
                block_free(buddy, zone, block);
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
    struct buddy_block block = block_first(buddy, zone, found);
    block_unfree(buddy, zone, block);
    block = block_cut(buddy, zone, block, order, &split_count);
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

static void *buddy_take(struct policy_heap *heap, size_t size_bytes, size_t alignment)
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
    struct buddy_block block = block_at(zone, unit);
    uint64_t merge_count = 0;
    CHUNK_POISON(zone->chunk.base + ((uintptr_t)unit << buddy->unit_bits),
                 (uintptr_t)order_units(block.order, buddy->is_weighted) << buddy->unit_bits);
    zone->units[unit] = 0;
    if (buddy->free_counts[block.order] >= policy_setting(&buddy->policy, BUDDY_lazy_count)) {
        block = block_merge(buddy, zone, block, &merge_count);
    }
    block_free(buddy, zone, block);
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
    for (size_t word = 0; word < left_words(buddy); word++) {
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

static bool buddy_give(struct policy_heap *heap, struct policy_chunk *chunk, uintptr_t block)
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

static size_t buddy_usable(const struct policy_chunk *chunk, uintptr_t block)
{
    const struct buddy *buddy = (const struct buddy *)chunk->policy;
    const struct buddy_zone *zone = (const struct buddy_zone *)chunk;
    uint32_t unit;
    if (!zone_find(buddy, zone, block, &unit)) {
        return 0;
    }
    return (size_t)order_units(block_at(zone, unit).order, buddy->is_weighted) << buddy->unit_bits;
}

/* ---- check -------------------------------------------------------------------------------------
 */

/* What was left counts as given, though it is not collected yet. */
static void buddy_count(const struct policy *policy, uint64_t counts[POLICY_COUNTER_COUNT])
{
    counts[COUNT_give_count] += atomic_load(&policy->noted_give_count);
}

static bool is_left(const struct buddy_zone *zone, uint32_t unit)
{
    return (atomic_load(&zone->left[unit / 64]) >> unit % 64 & 1) != 0;
}

static const char *zone_check(const struct buddy *buddy, const struct buddy_zone *zone,
                              uint64_t *live_count, uint64_t free_counts[BUDDY_ORDERS_MAX])
{
    bool is_eager = policy_setting(&buddy->policy, BUDDY_lazy_count) == 0;
    for (uint32_t unit = 0; unit < buddy->zone_units;) {
        struct buddy_block block = block_at(zone, unit);
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
        *live_count += is_live && !is_left(zone, unit);
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

static const char *buddy_check(const struct policy *policy)
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
    policy_count(policy, counts);
    bool is_balanced = counts[COUNT_take_count] - counts[COUNT_give_count] == live_count;
    return is_balanced ? NULL : "live blocks are not those taken and not given back";
}

const struct policy_operations buddy_operations = {
    .policy_bytes = sizeof(struct buddy),
    .heap_bytes = sizeof(struct policy_heap),
    .init = buddy_init,
    .heap_init = buddy_heap_init,
    .take = buddy_take,
    .give = buddy_give,
    .leave = buddy_leave,
    .usable = buddy_usable,
    .count = buddy_count,
    .check = buddy_check,
};
