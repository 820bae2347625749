#include "pool.h"

enum {
    BLOCKS_LEAST = 4, /* a chunk is large enough for so many blocks */
};

static uint16_t no_stack[1];
struct pool_chunk pool_no_chunk = {.top = no_stack, .stack = no_stack};

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
    const struct size_classes *classes = &((const struct pool *)policy_heap->policy)->classes;
    for (unsigned units = 0; units <= POOL_QUICK_UNITS; units++) {
        heap->quick[units] = &pool_no_chunk;
    }
    for (unsigned i = 0; i < classes->count; i++) {
        heap->active[i] = &pool_no_chunk;
        heap->classes[i].block_bytes = classes->sizes[i];
        chunk_list_init(&heap->classes[i].partial);
    }
}

static size_t pool_chunk_bytes(const struct policy *policy, uint32_t block_bytes)
{
    size_t bytes = policy_setting(policy, POOL_chunk_bytes);
    while (bytes / block_bytes < BLOCKS_LEAST) {
        bytes *= 2;
    }
    while (bytes / 2 / block_bytes >= POOL_BLOCKS_MOST / 2 && bytes > BACKING_PAGE_BYTES) {
        bytes /= 2;
    }
    return bytes;
}

static struct pool_chunk *pool_take_chunk(struct pool_heap *heap, unsigned size_class)
{
    struct policy *policy = heap->heap.policy;
    uint32_t block_bytes = heap->classes[size_class].block_bytes;
    size_t bytes = pool_chunk_bytes(policy, block_bytes);
    struct policy_chunk *chunk =
        policy_take_chunk(policy, &heap->heap, bytes, pool_chunk_note_bytes(bytes, block_bytes));
    if (chunk != NULL) {
        pool_chunk_init((struct pool_chunk *)chunk, block_bytes, size_class);
    }
    return (struct pool_chunk *)chunk;
}

/* For all sizes of its class. */
static void pool_set_quick(struct pool_heap *heap, struct pool_chunk *chunk)
{
    const struct pool_class *class = &heap->classes[chunk->size_class];
    unsigned units = chunk->size_class == 0 ? 0 : (class[-1].block_bytes >> POOL_UNIT_BITS) + 1;
    unsigned last = class->block_bytes >> POOL_UNIT_BITS;
    for (; units <= last && units <= POOL_QUICK_UNITS; units++) {
        heap->quick[units] = chunk;
    }
}

/* It is in no list. */
static void pool_make_active(struct pool_heap *heap, struct pool_chunk *chunk)
{
    struct pool_chunk *old = heap->active[chunk->size_class];
    if (old != &pool_no_chunk) { /* nothing in it is free: the next give has to list it */
        old->is_active = false;
        pool_chunk_set_room(old, 1);
    }
    chunk->is_active = true;
    pool_chunk_set_room(chunk, POOL_ROOM_ACTIVE);
    heap->active[chunk->size_class] = chunk;
    pool_set_quick(heap, chunk);
}

/* It is listed. */
static void pool_keep_or_give_chunk(struct pool_heap *heap, struct pool_chunk *chunk)
{
    struct pool_class *class = &heap->classes[chunk->size_class];
    bool is_kept = class->spare_count < policy_setting(heap->heap.policy, POOL_spare_chunks) ||
                   !chunk_may_go(&chunk->chunk);
    if (is_kept) {
        chunk->is_spare = true;
        class->spare_count++;
        return;
    }
    chunk_list_remove(&chunk->chunk);
    heap->heap.counts[COUNT_give_count] += pool_given_count(chunk);
    policy_give_chunk(&chunk->chunk);
}

void pool_give_without_room(struct pool_heap *heap, struct pool_chunk *chunk)
{
    if (chunk->is_active) {
        pool_chunk_set_room(chunk, POOL_ROOM_ACTIVE);
    } else if (chunk->chunk.next == NULL) {
        chunk_list_add(&heap->classes[chunk->size_class].partial, &chunk->chunk);
        pool_chunk_set_room(chunk, chunk->begun_count - 1);
    } else {
        pool_keep_or_give_chunk(heap, chunk);
    }
    policy_leave(&heap->heap);
}

static void pool_collect_chunk(struct pool_heap *heap, struct pool_chunk *chunk)
{
    bool is_full = !chunk->is_active && chunk->chunk.next == NULL;
    if (is_full) {
        pool_chunk_set_room(chunk, chunk->begun_count);
    }
    uint32_t count = pool_chunk_collect(chunk);
    if (chunk->is_active) {
        pool_chunk_set_room(chunk, POOL_ROOM_ACTIVE);
    } else if (is_full && count == 0) {
        pool_chunk_set_room(chunk, 1);
    } else if (is_full) {
        chunk_list_add(&heap->classes[chunk->size_class].partial, &chunk->chunk);
    }
    if (count > 0 && chunk->room == 0) {
        pool_keep_or_give_chunk(heap, chunk);
    }
}

static void pool_collect(struct pool_heap *heap)
{
    struct policy_chunk *chunk = chunk_queue_take(&heap->heap.queue);
    uint64_t steps = 0;
    while (chunk != NULL) {
        struct policy_chunk *next = chunk_unqueue(chunk);
        pool_collect_chunk(heap, (struct pool_chunk *)chunk);
        chunk = next;
        steps++;
    }
    policy_note_steps(&heap->heap, steps);
}

/* Another chunk with blocks that are not used, or NULL. */
static struct pool_chunk *pool_find_chunk(struct pool_heap *heap, unsigned size_class)
{
    struct pool_class *class = &heap->classes[size_class];
    if (chunk_list_is_empty(&class->partial)) {
        return pool_take_chunk(heap, size_class);
    }
    struct pool_chunk *chunk = (struct pool_chunk *)class->partial.next;
    chunk_list_remove(&chunk->chunk);
    class->spare_count -= chunk->is_spare;
    chunk->is_spare = false;
    return chunk;
}

/* Gives the class an active chunk in which a block is free. False: there is no memory. */
static bool pool_refill(struct pool_heap *heap, unsigned size_class)
{
    heap->heap.counts[COUNT_refill_count]++;
    if (pool_chunk_begin(heap->active[size_class])) {
        return true;
    }
    pool_collect(heap);
    if (*heap->active[size_class]->top != 0) {
        return true;
    }
    struct pool_chunk *chunk = pool_find_chunk(heap, size_class);
    if (chunk == NULL) {
        return false;
    }
    pool_make_active(heap, chunk);
    return *chunk->top != 0 || pool_chunk_begin(chunk);
}

static void *pool_take_inside(struct pool_heap *heap, size_t size_bytes, size_t alignment)
{
    const struct size_classes *classes = &((const struct pool *)heap->heap.policy)->classes;
    unsigned size_class = size_classes_find(classes, size_bytes, alignment);
    if (size_class == SIZE_CLASS_NONE) {
        return policy_decline(&heap->heap, size_bytes > classes->max_bytes
                                               ? COUNT_declined_size_count
                                               : COUNT_declined_alignment_count);
    }
    if (*heap->active[size_class]->top == 0 && !pool_refill(heap, size_class)) {
        return policy_decline(&heap->heap, COUNT_declined_full_count);
    }
    uintptr_t block = pool_chunk_pop(heap->active[size_class]);
    CHUNK_UNPOISON(block, size_bytes);
    return (void *)block;
}

void *pool_take_slowly(struct policy_heap *heap, size_t size_bytes, size_t alignment)
{
    if (!policy_enter(heap)) {
        return policy_decline_busy(heap);
    }
    void *block = pool_take_inside((struct pool_heap *)heap, size_bytes, alignment);
    policy_leave(heap);
    return block;
}

static bool pool_leave(struct policy_chunk *chunk, uintptr_t block)
{
    chunk_enter(chunk);
    bool is_left = pool_chunk_leave((struct pool_chunk *)chunk, block);
    chunk_queue_and_exit(&chunk->owner->queue, chunk);
    return is_left;
}

bool pool_give_slowly(uintptr_t block, struct policy_chunk *chunk, struct policy_heap *heap)
{
    if (heap == NULL || !policy_enter(heap)) {
        return policy_note(chunk, block);
    }
    /* What is the heap's own has been looked at: it is no block that is used. */
    bool is_left = chunk->owner != heap && pool_leave(chunk, block);
    heap->counts[COUNT_remote_give_count] += is_left;
    policy_leave(heap);
    return is_left;
}

static void *pool_take(struct policy_heap *heap, size_t size_bytes)
{
    return pool_take_inline(heap, size_bytes);
}

static bool pool_give(uintptr_t block, struct policy_chunk *chunk, struct policy_heap *heap)
{
    return pool_give_inline(block, chunk, heap);
}

static size_t pool_usable(const struct policy_chunk *policy_chunk, uintptr_t block)
{
    const struct pool_chunk *chunk = (const struct pool_chunk *)policy_chunk;
    uintptr_t number;
    return pool_chunk_find(chunk, block, &number) ? chunk->block_bytes : 0;
}

/* What was taken is what is used and what was given back, also if it is not yet collected. */
static void pool_count(const struct policy *policy, uint64_t counts[POLICY_COUNTER_COUNT])
{
    uint64_t used_count = 0;
    uint64_t given_count = 0;
    uint32_t page = 0;
    struct policy_chunk *chunk;
    while ((chunk = backing_next_chunk(policy->backing, &page)) != NULL) {
        if (chunk->policy == policy) {
            struct pool_chunk_counts found = pool_chunk_count((const struct pool_chunk *)chunk);
            used_count += found.used;
            given_count += found.left + pool_given_count((const struct pool_chunk *)chunk);
        }
    }
    counts[COUNT_give_count] += given_count;
    counts[COUNT_take_count] = counts[COUNT_give_count] + used_count;
}

static const char *pool_check(const struct policy *policy)
{
    const char *wrong = NULL;
    uint32_t page = 0;
    struct policy_chunk *chunk;
    while (wrong == NULL && (chunk = backing_next_chunk(policy->backing, &page)) != NULL) {
        if (chunk->policy == policy) {
            wrong = pool_chunk_check((const struct pool_chunk *)chunk);
        }
    }
    return wrong;
}

const struct policy_operations pool_operations = {
    .policy_bytes = sizeof(struct pool),
    .heap_bytes = sizeof(struct pool_heap),
    .init = pool_init,
    .heap_init = pool_heap_init,
    .take = pool_take,
    .take_aligned = pool_take_slowly,
    .give = pool_give,
    .leave = pool_leave,
    .usable = pool_usable,
    .count = pool_count,
    .check = pool_check,
};
