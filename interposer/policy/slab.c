#include "slab.h"

enum {
    PARTIAL_LOOKED_AT = 32, /* slabs of the list that are compared before one is taken */
};

/* The least order with at most 1/fraction of waste and so many objects, or 0. */
static uint32_t slab_bytes_with(uint32_t object_bytes, uint32_t objects_min,
                                uint32_t slab_max_bytes, uint32_t fraction)
{
    for (uint32_t bytes = BACKING_PAGE_BYTES; bytes <= slab_max_bytes; bytes *= 2) {
        if (bytes / object_bytes >= objects_min && bytes % object_bytes <= bytes / fraction) {
            return bytes;
        }
    }
    return 0;
}

uint32_t slab_bytes_for(uint32_t object_bytes, uint32_t objects_min, uint32_t slab_max_bytes)
{
    for (uint32_t objects = objects_min; objects > 0; objects /= 2) {
        for (uint32_t fraction = 16; fraction >= 4; fraction /= 2) {
            uint32_t bytes = slab_bytes_with(object_bytes, objects, slab_max_bytes, fraction);
            if (bytes != 0) {
                return bytes;
            }
        }
    }
    uint32_t bytes = BACKING_PAGE_BYTES;
    while (bytes < object_bytes) {
        bytes *= 2;
    }
    return bytes;
}

static bool slab_init(struct policy *policy)
{
    struct slab *slab = (struct slab *)policy;
    size_classes_init(&slab->classes, &policy->settings,
                      policy_setting(policy, SLAB_block_max_bytes));
    for (unsigned i = 0; i < slab->classes.count; i++) {
        struct slab_class *class = &slab->shared[i];
        class->slot_bytes = slab->classes.sizes[i];
        class->slab_bytes =
            slab_bytes_for(class->slot_bytes, (uint32_t)policy_setting(policy, SLAB_objects_min),
                           (uint32_t)policy_setting(policy, SLAB_slab_max_bytes));
        chunk_list_init(&class->partial);
    }
    return true;
}

static void slab_heap_init(struct policy_heap *policy_heap)
{
    struct slab_heap *heap = (struct slab_heap *)policy_heap;
    const struct slab *slab = (const struct slab *)policy_heap->policy;
    for (unsigned i = 0; i < slab->classes.count; i++) {
        slot_cursor_init(&heap->cursors[i]);
    }
}

/* ---- under the lock of the class ---------------------------------------------------------------
 */

static void partial_add(struct slab_class *class, struct slots *slots)
{
    class->partial_count++;
    chunk_list_add(&class->partial, &slots->chunk);
}

static void partial_remove(struct slab_class *class, struct slots *slots)
{
    class->partial_count--;
    chunk_list_remove(&slots->chunk);
}

/* A slab that is not active has got more free slots. */
static void slab_settle(struct slab *slab, struct slab_class *class, struct slots *slots,
                        bool was_listed)
{
    uint64_t partial_min = policy_setting(&slab->policy, SLAB_partial_min);
    if (!was_listed && slots->summary != 0) {
        partial_add(class, slots);
    }
    if (slots_is_empty(slots) && class->partial_count > partial_min &&
        chunk_may_go(&slots->chunk)) {
        partial_remove(class, slots);
        policy_give_chunk(&slots->chunk);
    }
}

static bool is_better(const struct slots *slots, const struct slots *than, uint64_t order)
{
    return order == SLAB_FULLEST_FIRST ? slots->used_count > than->used_count
                                       : slots->chunk.base < than->chunk.base;
}

/* The partial slab that is to be filled next, off its list; NULL: there is none. */
static struct slots *partial_choose(struct slab_class *class, uint64_t order, uint64_t *steps)
{
    if (chunk_list_is_empty(&class->partial)) {
        return NULL;
    }
    struct slots *best = (struct slots *)class->partial.previous;
    struct policy_chunk *chunk = class->partial.next;
    for (int i = 0; order != SLAB_OLDEST_FIRST && i < PARTIAL_LOOKED_AT; i++) {
        if (chunk == &class->partial) {
            break;
        }
        if (is_better((struct slots *)chunk, best, order)) {
            best = (struct slots *)chunk;
        }
        chunk = chunk->next;
        (*steps)++;
    }
    partial_remove(class, best);
    return best;
}

/* ---- taking ------------------------------------------------------------------------------------
 */

static struct slots *slab_take_chunk(struct slab *slab, unsigned size_class)
{
    const struct slab_class *class = &slab->shared[size_class];
    uint32_t slot_count = slots_fitting(class->slab_bytes, class->slot_bytes);
    struct policy_chunk *chunk =
        policy_take_chunk(&slab->policy, NULL, class->slab_bytes, slots_note_bytes(slot_count));
    if (chunk == NULL) {
        return NULL;
    }
    slots_init((struct slots *)chunk, class->slot_bytes, slot_count, size_class);
    return (struct slots *)chunk;
}

/* What came without the lock. A slab that is active is collected by the heap that has it. */
static void slab_collect(struct slab *slab)
{
    struct policy_chunk *chunk = chunk_queue_take(&slab->policy.queue);
    while (chunk != NULL) {
        struct slots *slots = (struct slots *)chunk;
        struct slab_class *class = &slab->shared[slots->size_class];
        policy_lock(&class->lock);
        chunk = chunk_unqueue(chunk);
        if (!slots->is_active) {
            bool was_listed = slots->chunk.next != NULL;
            slots->used_count -= slots_collect(slots);
            slab_settle(slab, class, slots, was_listed);
        }
        policy_unlock(&class->lock);
    }
}

static bool slab_refill(struct slab_heap *heap, unsigned size_class)
{
    struct slab *slab = (struct slab *)heap->heap.policy;
    struct slab_class *class = &slab->shared[size_class];
    struct slot_cursor *cursor = &heap->cursors[size_class];
    uint64_t steps = 0;
    heap->heap.counts[COUNT_refill_count]++;
    if (cursor->active != &no_slots) {
        (void)slots_collect(cursor->active);
    }
    if (slot_cursor_next(cursor)) {
        return true;
    }
    slab_collect(slab);
    policy_lock(&class->lock);
    struct slots *old = cursor->active;
    slot_cursor_move(cursor, NULL);
    if (old != &no_slots) { /* full, but for what has come back meanwhile */
        old->used_count = old->slot_count;
        old->used_count -= slots_collect(old);
        slab_settle(slab, class, old, false);
    }
    struct slots *slots =
        partial_choose(class, policy_setting(&slab->policy, SLAB_partial_order), &steps);
    if (slots == NULL) {
        slots = slab_take_chunk(slab, size_class);
    }
    slot_cursor_move(cursor, slots);
    policy_unlock(&class->lock);
    policy_note_steps(&heap->heap, steps);
    return slot_cursor_next(cursor);
}

static void *slab_take_inside(struct slab_heap *heap, size_t size_bytes, size_t alignment)
{
    const struct slab *slab = (const struct slab *)heap->heap.policy;
    unsigned size_class = size_classes_find(&slab->classes, size_bytes, alignment);
    if (__builtin_expect(size_class == SIZE_CLASS_NONE, 0)) {
        return policy_decline(&heap->heap, size_bytes > slab->classes.max_bytes
                                               ? COUNT_declined_size_count
                                               : COUNT_declined_alignment_count);
    }
    struct slot_cursor *cursor = &heap->cursors[size_class];
    if (__builtin_expect(cursor->active->held == 0, 0) && !slab_refill(heap, size_class)) {
        return policy_decline(&heap->heap, COUNT_declined_full_count);
    }
    return (void *)slot_cursor_take(cursor, size_bytes);
}

/* ---- giving back -------------------------------------------------------------------------------
 */

static bool slab_give_locked(struct slab *slab, struct policy_heap *heap, struct slots *slots,
                             uint32_t slot)
{
    struct slab_class *class = &slab->shared[slots->size_class];
    bool is_given;
    policy_lock(&class->lock);
    if (slots->is_active) { /* another heap's */
        is_given = slots_leave(slots, slot);
        heap->counts[COUNT_remote_give_count] += is_given;
    } else {
        bool was_listed = slots->chunk.next != NULL;
        is_given = !slots_is_free(slots, slot);
        if (is_given && slots_give(slots, slot)) {
            (void)slots_settle(slots, slot);
        }
        slots->used_count -= is_given;
        slab_settle(slab, class, slots, was_listed);
    }
    policy_unlock(&class->lock);
    return is_given;
}

static bool slab_give_inside(struct slab_heap *heap, struct policy_chunk *chunk, uintptr_t block)
{
    struct slots *slots = (struct slots *)chunk;
    uint32_t slot;
    if (__builtin_expect(!slots_find(slots, block, &slot), 0)) {
        return false;
    }
    CHUNK_POISON(block, slots->slot_bytes);
    bool is_mine = heap->cursors[slots->size_class].active == slots;
    if (!is_mine) {
        return slab_give_locked((struct slab *)chunk->policy, &heap->heap, slots, slot);
    }
    bool is_used = !slots_is_free(slots, slot);
    if (is_used && slots_give(slots, slot)) {
        (void)slots_settle(slots, slot);
    }
    return is_used;
}

POLICY_GUARDED(slab, struct slab_heap)

/* What the thread was filling is there for all. */
static void slab_heap_close(struct policy_heap *policy_heap)
{
    struct slab_heap *heap = (struct slab_heap *)policy_heap;
    struct slab *slab = (struct slab *)policy_heap->policy;
    for (unsigned i = 0; i < slab->classes.count; i++) {
        struct slots *slots = heap->cursors[i].active;
        if (slots == &no_slots) {
            continue;
        }
        policy_lock(&slab->shared[i].lock);
        slot_cursor_move(&heap->cursors[i], NULL);
        (void)slots_collect(slots);
        slots->used_count = slots_used_count(slots);
        slab_settle(slab, &slab->shared[i], slots, false);
        policy_unlock(&slab->shared[i].lock);
    }
}

static void slab_lock_all(struct policy *policy, bool is_locking)
{
    struct slab *slab = (struct slab *)policy;
    for (unsigned i = 0; i < slab->classes.count; i++) {
        (is_locking ? policy_lock : policy_unlock)(&slab->shared[i].lock);
    }
}

static void slab_count(const struct policy *policy, uint64_t counts[POLICY_COUNTER_COUNT])
{
    const struct slab *slab = (const struct slab *)policy;
    for (const struct policy_heap *heap = policy->heaps; heap != NULL; heap = heap->next) {
        for (unsigned i = 0; i < slab->classes.count; i++) {
            counts[COUNT_take_count] +=
                slot_cursor_count(&((const struct slab_heap *)heap)->cursors[i]);
        }
    }
    counts[COUNT_give_count] = counts[COUNT_take_count] - slots_used_count_all(policy);
}

static const char *slab_check_list(const struct slab_class *class)
{
    uint32_t count = 0;
    for (const struct policy_chunk *chunk = class->partial.next; chunk != &class->partial;
         chunk = chunk->next) {
        const struct slots *slots = (const struct slots *)chunk;
        if (slots->is_active || slots->summary == 0) {
            return "a slab stands in a list in which it does not belong";
        }
        count++;
    }
    return count == class->partial_count ? NULL : "a list is not as long as was counted";
}

static const char *slab_check(const struct policy *policy)
{
    const struct slab *slab = (const struct slab *)policy;
    const char *wrong = slots_check_all(policy);
    for (unsigned i = 0; wrong == NULL && i < slab->classes.count; i++) {
        wrong = slab_check_list(&slab->shared[i]);
    }
    return wrong;
}

const struct policy_operations slab_operations = {
    .policy_bytes = sizeof(struct slab),
    .heap_bytes = sizeof(struct slab_heap),
    .init = slab_init,
    .heap_init = slab_heap_init,
    .heap_close = slab_heap_close,
    .take = slab_take,
    .take_aligned = slab_take_aligned,
    .give = slab_give,
    .leave = slots_note,
    .usable = slots_usable,
    .count = slab_count,
    .lock_all = slab_lock_all,
    .check = slab_check,
};
