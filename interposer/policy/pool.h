/*
 * pool.h - blocks of equal size, from chunks that belong to one thread.
 *
 *   heap of a thread
 *     class 48 bytes ──▶ active chunk   |x|x|.|x|.|.|.|.|   taken from, what was freed last first
 *                        partial        |x|.|x|x|x|.|x|x|   some are free
 *                        (full ones stand in no list)
 *     class 64 bytes ──▶ ...
 *
 * A take pops a block off the active chunk's list, a give by the owner puts it on that of its own
 * chunk: no lock, no atomic operation. What other threads give back is noted beside the chunk
 * and collected when the owner runs out. Chunks without used blocks go back to the system, but for
 * a few.
 *
 * Wins where few sizes are allocated often and freed by the same thread. Loses where many sizes
 * have few blocks each: every size holds a chunk in every thread.
 */
#ifndef ALLOCAUDIT_POLICY_POOL_H
#define ALLOCAUDIT_POLICY_POOL_H

#include "policy.h"
#include "pool_chunk.h"
#include "size_classes.h"

struct pool {
    struct policy policy;
    struct size_classes classes;
};

struct pool_class {
    uint32_t block_bytes;
    uint32_t spare_count;
    struct policy_chunk partial; /* the head of the list */
};

struct pool_heap {
    struct policy_heap heap;
    /* By class; the last is that of requests for which there is none. Not NULL: pool_no_chunk. */
    struct pool_chunk *active[SIZE_CLASSES_MAX + 1];
    uint8_t class_by_size[POLICY_QUICK_BYTES + 1];
    struct pool_class classes[SIZE_CLASSES_MAX];
};

/* Has nothing. */
extern struct pool_chunk pool_no_chunk;

/* What is not as usual: large, busy, aligned, or without a block that can be taken next. */
void *pool_take_slowly(struct policy_heap *heap, size_t size_bytes, size_t alignment);

/* A give by a heap that does not own the chunk, is busy, or NULL. */
bool pool_give_slowly(uintptr_t block, struct policy_chunk *chunk, struct policy_heap *heap);

/*
 * The ends of a take and a give that were entered and turn out to be rare, with the call's leave:
 * none is left to take; the block is none, or free; the chunk's room is used up, since it was full
 * and in no list, or is empty now.
 */
void *pool_take_refilled(struct policy_heap *heap, size_t size_bytes);
bool pool_refuse(struct policy_heap *heap);
bool pool_give_without_room(struct pool_heap *heap, struct pool_chunk *chunk);

static inline __attribute__((always_inline)) void *pool_take_inline(struct policy_heap *policy_heap,
                                                                    size_t size_bytes)
{
    struct pool_heap *heap = (struct pool_heap *)policy_heap;
    if (__builtin_expect(size_bytes >= policy_heap->quick_end, 0) || !policy_enter(policy_heap)) {
        return pool_take_slowly(policy_heap, size_bytes, 0);
    }
    struct pool_chunk *chunk = heap->active[heap->class_by_size[size_bytes]];
    if (__builtin_expect(chunk->next == POOL_END, 0)) {
        return pool_take_refilled(policy_heap, size_bytes);
    }
    uintptr_t block = pool_chunk_pop(chunk);
    CHUNK_UNPOISON(block, size_bytes);
    policy_leave(policy_heap);
    return (void *)block;
}

static inline __attribute__((always_inline)) bool
pool_give_inline(uintptr_t block, struct policy_chunk *policy_chunk, struct policy_heap *heap)
{
    struct pool_chunk *chunk = (struct pool_chunk *)policy_chunk;
    if (__builtin_expect(policy_chunk->owner != heap, 0) || !policy_enter(heap)) {
        return pool_give_slowly(block, policy_chunk, heap);
    }
    uint64_t number;
    if (__builtin_expect(!pool_chunk_find(chunk, block, &number), 0) ||
        __builtin_expect(chunk->links[number] != POOL_USED, 0)) {
        return pool_refuse(heap);
    }
    CHUNK_POISON(block, chunk->block_bytes);
    if (__builtin_expect(pool_chunk_push(chunk, number), 0)) {
        return pool_give_without_room((struct pool_heap *)heap, chunk);
    }
    policy_leave(heap);
    return true;
}

#endif
