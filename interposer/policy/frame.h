/*
 * frame.h - a pointer that goes up, and memory that is used again when nothing in it lives.
 *
 *   current chunk   |aaaa|bb|cccccc|dd|            |
 *                                     ^ top        ^ end      taken: 4   given: 0
 *   retired chunks  |x|  |xx|    some blocks still live: nothing is reused before the last is freed
 *   spare chunks    |                              |
 *
 * A take moves the top up, a give counts. When as many blocks of a chunk were given back as taken,
 * the chunk begins anew: a frame that frees all it allocated costs no memory, however often it
 * comes. Blocks are never moved or reused while they live, so a block that outlives its frame is
 * safe: it holds its chunk, and is counted as escaped.
 *
 * The size of each block stands in a table beside the chunk, by units of 16 bytes.
 *
 * Wins where what is allocated together dies together. Loses where a long-lived block now and then
 * holds a whole chunk.
 */
#ifndef ALLOCAUDIT_POLICY_FRAME_H
#define ALLOCAUDIT_POLICY_FRAME_H

#include "policy.h"

enum {
    FRAME_UNIT_BITS = 4,
    FRAME_UNIT_BYTES = 1 << FRAME_UNIT_BITS,
};

struct frame_chunk {
    struct policy_chunk chunk;
    uint32_t taken_count;        /* as long as it is current: in the heap */
    uint32_t given_count;        /* by the owner, or collected */
    _Atomic uint32_t left_count; /* by others, not yet collected */
    uint16_t units[];            /* by unit: the length of the block that begins there, or 0 */
};

struct frame_heap {
    struct policy_heap heap;
    uintptr_t top;
    uintptr_t end;
    uintptr_t units; /* where the current chunk's table would begin if it began at address 0 */
    uint64_t size_max_bytes;
    uint32_t taken_count;
    uint32_t spare_count;
    struct frame_chunk *current; /* NULL: none; then top == end */
    struct policy_chunk *spare;  /* empty chunks, by their next */
};

static inline uint16_t *frame_units(const struct frame_heap *heap, uintptr_t block)
{
    return (uint16_t *)(heap->units + (block >> FRAME_UNIT_BITS) * sizeof(uint16_t));
}

/* Makes a chunk current that has room. False: declined, and counted. */
bool frame_refill(struct frame_heap *heap, size_t alignment);

static inline __attribute__((always_inline)) void *
frame_take_inside(struct frame_heap *heap, size_t size_bytes, size_t alignment)
{
    if (__builtin_expect(size_bytes > heap->size_max_bytes, 0)) {
        return policy_decline(&heap->heap, COUNT_declined_size_count);
    }
    uintptr_t mask = (alignment > FRAME_UNIT_BYTES ? alignment : FRAME_UNIT_BYTES) - 1;
    uintptr_t block = (heap->top + mask) & ~mask;
    size_t unit_count = (size_bytes + FRAME_UNIT_BYTES - 1) >> FRAME_UNIT_BITS;
    unit_count += unit_count == 0;
    if (__builtin_expect(block > heap->end || heap->end - block < unit_count << FRAME_UNIT_BITS,
                         0)) {
        if (!frame_refill(heap, alignment)) {
            return NULL;
        }
        block = (heap->top + mask) & ~mask;
    }
    heap->top = block + (unit_count << FRAME_UNIT_BITS);
    *frame_units(heap, block) = (uint16_t)unit_count;
    heap->taken_count++;
    CHUNK_UNPOISON(block, size_bytes);
    return (void *)block;
}

#endif
