/*
 * pool.h - blocks of equal size, from chunks that belong to one thread.
 *
 *   heap of a thread
 *     class 48 bytes ──▶ active chunk   |x|x|.|x|.|.|.|.|   taken from, what was freed last first
 *                        partial        |x|.|x|x|x|.|x|x|   some are free
 *                        (full ones stand in no list)
 *     class 64 bytes ──▶ ...
 *
 * A take pops a block off the active chunk's stack, a give by the owner puts it on that of its own
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

enum {
    POOL_QUICK_UNITS = POLICY_QUICK_BYTES >> POOL_UNIT_BITS,
};

/* Where there is no active chunk it is pool_no_chunk. */
struct pool_heap {
    struct policy_heap heap;
    struct pool_chunk *quick[POOL_QUICK_UNITS + 1]; /* the active ones, by (size + 15) / 16 */
    struct pool_chunk *active[SIZE_CLASSES_MAX];    /* by class */
    struct pool_class classes[SIZE_CLASSES_MAX];
};

/* Has nothing. */
extern struct pool_chunk pool_no_chunk;

/* Also under LTO, so that what calls them has no registers to save on its quick way. */
#define POOL_NOT_INLINE __attribute__((noinline))

/* What is not as usual: the quick ways below say when. */
POOL_NOT_INLINE void *pool_take_slowly(struct policy_heap *heap, size_t size_bytes,
                                       size_t alignment);
POOL_NOT_INLINE bool pool_give_slowly(uintptr_t block, struct policy_chunk *chunk,
                                      struct policy_heap *heap);

/*
 * The end of a give by the owner, which leaves the call, where the chunk's room is used up: it was
 * full and in no list, or is empty now.
 */
POOL_NOT_INLINE void pool_give_without_room(struct pool_heap *heap, struct pool_chunk *chunk);

/*
 * The usual take and give, which call nothing. NULL or false: nothing has happened, and it has to
 * be the slow way, since the request is large, the heap is busy, no block can be taken next; the
 * chunk is not the heap's, or the block is none that is used.
 */
static inline __attribute__((always_inline)) void *pool_take_quickly(struct policy_heap **gate,
                                                                     size_t size_bytes)
{
    if (__builtin_expect(size_bytes > POLICY_QUICK_BYTES, 0)) {
        return NULL;
    }
    struct policy_heap *heap = *gate;
    if (!policy_enter_at(gate)) {
        return NULL;
    }
    struct pool_chunk *chunk =
        ((struct pool_heap *)heap)->quick[(size_bytes + POLICY_ALIGNMENT - 1) >> POOL_UNIT_BITS];
    if (__builtin_expect(*chunk->top == 0, 0)) {
        policy_leave_at(gate, heap);
        return NULL;
    }
    uintptr_t block = pool_chunk_pop(chunk);
    if (block == 0) {
        __builtin_unreachable(); /* so that nobody asks whether it is NULL */
    }
    CHUNK_UNPOISON(block, size_bytes);
    policy_leave_at(gate, heap);
    return (void *)block;
}

static inline __attribute__((always_inline)) bool
pool_give_quickly(uintptr_t block, struct policy_chunk *policy_chunk, struct policy_heap **gate)
{
    struct pool_chunk *chunk = (struct pool_chunk *)policy_chunk;
    if (__builtin_expect(policy_chunk->owner != *gate, 0)) {
        return false;
    }
    struct policy_heap *heap = policy_chunk->owner;
    policy_enter_idle(gate);
    uintptr_t number;
    if (__builtin_expect(!pool_chunk_unmark(chunk, block, &number), 0)) {
        policy_leave_at(gate, heap);
        return false;
    }
    CHUNK_POISON(block, chunk->block_bytes);
    if (__builtin_expect(pool_chunk_push(chunk, number), 0)) {
        pool_give_without_room((struct pool_heap *)heap, chunk);
        return true;
    }
    policy_leave_at(gate, heap);
    return true;
}

static inline __attribute__((always_inline)) void *pool_take_inline(struct policy_heap *heap,
                                                                    size_t size_bytes)
{
    void *block = pool_take_quickly(heap->gate, size_bytes);
    return __builtin_expect(block != NULL, 1) ? block : pool_take_slowly(heap, size_bytes, 0);
}

static inline __attribute__((always_inline)) bool
pool_give_inline(uintptr_t block, struct policy_chunk *chunk, struct policy_heap *heap)
{
    return (__builtin_expect(heap != NULL, 1) &&
            __builtin_expect(pool_give_quickly(block, chunk, heap->gate), 1)) ||
           pool_give_slowly(block, chunk, heap);
}

#endif
