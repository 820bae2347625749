#include "pool.h"

enum {
    SLOTS_LEAST = 4, /* a chunk is large enough for so many blocks */
};

static bool pool_init(struct policy *policy)
{
    struct pool *pool = (struct pool *)policy;
    size_classes_init(&pool->classes, &policy->settings,
                      policy_setting(policy, POOL_block_max_bytes));
    return true;
}

static void pool_heap_init(struct policy_heap *policy_heap)
{
    struct pool_heap *heap = (struct pool_heap *)policy_heap;
    const struct pool *pool = (const struct pool *)policy_heap->policy;
    for (unsigned i = 0; i < pool->classes.count; i++) {
        slot_cursor_init(&heap->classes[i].cursor);
        heap->classes[i].slot_bytes = pool->classes.sizes[i];
        chunk_list_init(&heap->classes[i].partial);
    }
}

static size_t pool_chunk_bytes(const struct policy *policy, uint32_t slot_bytes)
{
    size_t bytes = policy_setting(policy, POOL_chunk_bytes);
    while (bytes / slot_bytes < SLOTS_LEAST) {
        bytes *= 2;
    }
    while (bytes / 2 / slot_bytes >= SLOTS_MAX && bytes > BACKING_PAGE_BYTES) {
        bytes /= 2;
    }
    return bytes;
}

static struct slots *pool_take_chunk(struct pool_heap *heap, unsigned size_class)
{
    struct policy *policy = heap->heap.policy;
    uint32_t slot_bytes = heap->classes[size_class].slot_bytes;
    size_t bytes = pool_chunk_bytes(policy, slot_bytes);
    uint32_t slot_count = slots_fitting(bytes, slot_bytes);
    struct policy_chunk *chunk =
        policy_take_chunk(policy, &heap->heap, bytes, slots_note_bytes(slot_count));
    if (chunk == NULL) {
        return NULL;
    }
    struct slots *slots = (struct slots *)chunk;
    slots_init(slots, slot_bytes, slot_count, size_class);
    return slots;
}

/* A chunk that is not active has no used blocks any more. */
static void pool_keep_or_give_chunk(struct pool_heap *heap, struct slots *slots)
{
    struct pool_class *class = &heap->classes[slots->size_class];
    bool is_kept = class->spare_count < policy_setting(heap->heap.policy, POOL_spare_chunks) ||
                   !chunk_may_go(&slots->chunk);
    if (is_kept) {
        slots->is_spare = true;
        class->spare_count++;
        return;
    }
    chunk_list_remove(&slots->chunk);
    policy_give_chunk(&slots->chunk);
}

/* A chunk that is not active has got more free slots. */
static void pool_place(struct pool_heap *heap, struct slots *slots, bool was_full)
{
    if (was_full) {
        chunk_list_add(&heap->classes[slots->size_class].partial, &slots->chunk);
    }
    if (slots_is_empty(slots) && !slots->is_spare) {
        pool_keep_or_give_chunk(heap, slots);
    }
}

void pool_settle(struct pool_heap *heap, struct slots *slots, uint32_t slot)
{
    bool was_full = slots_settle(slots, slot);
    if (!slots->is_active) {
        pool_place(heap, slots, was_full);
    }
}

bool pool_leave(struct policy_chunk *chunk, uintptr_t block)
{
    struct slots *slots = (struct slots *)chunk;
    uint32_t slot;
    if (!slots_find(slots, block, &slot)) {
        return false;
    }
    chunk_enter(chunk);
    CHUNK_POISON(block, slots->slot_bytes);
    bool is_left = slots_leave(slots, slot);
    chunk_queue_and_exit(&chunk->owner->queue, chunk);
    return is_left;
}

static void pool_collect(struct pool_heap *heap)
{
    struct policy_chunk *chunk = chunk_queue_take(&heap->heap.queue);
    uint64_t steps = 0;
    while (chunk != NULL) {
        struct slots *slots = (struct slots *)chunk;
        chunk = chunk_unqueue(chunk);
        bool was_full = slots->summary == 0;
        steps++;
        if (slots_collect(slots) > 0 && !slots->is_active) {
            pool_place(heap, slots, was_full);
        }
    }
    policy_note_steps(&heap->heap, steps);
}

/* Another chunk with free blocks, or NULL. */
static struct slots *pool_find_chunk(struct pool_heap *heap, unsigned size_class)
{
    struct pool_class *class = &heap->classes[size_class];
    if (chunk_list_is_empty(&class->partial)) {
        return pool_take_chunk(heap, size_class);
    }
    struct slots *slots = (struct slots *)class->partial.next;
    chunk_list_remove(&slots->chunk);
    class->spare_count -= slots->is_spare;
    slots->is_spare = false;
    return slots;
}

bool pool_refill(struct pool_heap *heap, unsigned size_class)
{
    struct slot_cursor *cursor = &heap->classes[size_class].cursor;
    heap->heap.counts[COUNT_refill_count]++;
    if (slot_cursor_next(cursor)) {
        return true;
    }
    pool_collect(heap);
    if (slot_cursor_next(cursor)) {
        return true;
    }
    struct slots *slots = pool_find_chunk(heap, size_class);
    if (slots == NULL) {
        return false;
    }
    slot_cursor_move(cursor, slots);
    return slot_cursor_next(cursor);
}

static void *pool_take(struct policy_heap *heap, size_t size_bytes, size_t alignment)
{
    return pool_take_inside((struct pool_heap *)heap, size_bytes, alignment);
}

static bool pool_give(struct policy_heap *heap, struct policy_chunk *chunk, uintptr_t block)
{
    return pool_give_inside((struct pool_heap *)heap, chunk, block);
}

static void pool_count(const struct policy *policy, uint64_t counts[POLICY_COUNTER_COUNT])
{
    const struct pool *pool = (const struct pool *)policy;
    for (const struct policy_heap *heap = policy->heaps; heap != NULL; heap = heap->next) {
        for (unsigned i = 0; i < pool->classes.count; i++) {
            counts[COUNT_take_count] +=
                slot_cursor_count(&((const struct pool_heap *)heap)->classes[i].cursor);
        }
    }
    counts[COUNT_give_count] = counts[COUNT_take_count] - slots_used_count_all(policy);
}

const struct policy_operations pool_operations = {
    .policy_bytes = sizeof(struct pool),
    .heap_bytes = sizeof(struct pool_heap),
    .init = pool_init,
    .heap_init = pool_heap_init,
    .take = pool_take,
    .give = pool_give,
    .leave = pool_leave,
    .usable = slots_usable,
    .count = pool_count,
    .check = slots_check_all,
};
