/*
 * pool.h - blocks of equal size, from chunks that belong to one thread.
 *
 *   heap of a thread
 *     class 48 bytes ──▶ active chunk   |x|x|.|x|.|.|.|.|   taken from, lowest address first
 *                        partial        |x|.|x|x|x|.|x|x|   some are free
 *                        (full ones stand in no list)
 *     class 64 bytes ──▶ ...
 *
 * A take and a give by the owner change one word of a bitmap: no lock, no atomic operation. What
 * other threads give back is noted beside the chunk and collected when the owner runs out. Chunks
 * without used blocks go back to the system, but for a few.
 *
 * Wins where few sizes are allocated often and freed by the same thread. Loses where many sizes
 * have few blocks each: every size holds a chunk in every thread.
 */
#ifndef ALLOCAUDIT_POLICY_POOL_H
#define ALLOCAUDIT_POLICY_POOL_H

#include "policy.h"
#include "size_classes.h"
#include "slots.h"

struct pool {
    struct policy policy;
    struct size_classes classes;
};

struct pool_class {
    struct slot_cursor cursor;
    uint32_t slot_bytes;
    uint32_t spare_count;
    struct policy_chunk partial; /* the head of the list */
};

struct pool_heap {
    struct policy_heap heap;
    struct pool_class classes[SIZE_CLASSES_MAX];
};

/* Moves the class on to a word with free blocks. False: there is no memory. */
bool pool_refill(struct pool_heap *heap, unsigned size_class);

static inline __attribute__((always_inline)) void *
pool_take_inside(struct pool_heap *heap, size_t size_bytes, size_t alignment)
{
    const struct pool *pool = (const struct pool *)heap->heap.policy;
    unsigned size_class = size_classes_find(&pool->classes, size_bytes, alignment);
    if (__builtin_expect(size_class == SIZE_CLASS_NONE, 0)) {
        return policy_decline(&heap->heap, size_bytes > pool->classes.max_bytes
                                               ? COUNT_declined_size_count
                                               : COUNT_declined_alignment_count);
    }
    struct slot_cursor *cursor = &heap->classes[size_class].cursor;
    if (__builtin_expect(cursor->active->held == 0, 0) && !pool_refill(heap, size_class)) {
        return policy_decline(&heap->heap, COUNT_declined_full_count);
    }
    return (void *)slot_cursor_take(cursor, size_bytes);
}

/* The rest of pool_give(), where the summaries of a word change. */
void pool_settle(struct pool_heap *heap, struct slots *slots, uint32_t slot);

/* By a thread that does not own the chunk. */
bool pool_leave(struct policy_chunk *chunk, uintptr_t block);

static inline __attribute__((always_inline)) bool
pool_give_inside(struct pool_heap *heap, struct policy_chunk *chunk, uintptr_t block)
{
    struct slots *slots = (struct slots *)chunk;
    uint32_t slot;
    if (__builtin_expect(chunk->owner != &heap->heap, 0)) {
        bool is_left = pool_leave(chunk, block);
        heap->heap.counts[COUNT_remote_give_count] += is_left;
        return is_left;
    }
    if (__builtin_expect(!slots_find(slots, block, &slot) || slots_is_free(slots, slot), 0)) {
        return false;
    }
    CHUNK_POISON(block, slots->slot_bytes);
    if (__builtin_expect(slots_give(slots, slot), 0)) {
        pool_settle(heap, slots, slot);
    }
    return true;
}

#endif
