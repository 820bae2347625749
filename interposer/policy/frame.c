#include "frame.h"

#include <stddef.h>
#include <string.h>

static bool frame_init(struct policy *policy)
{
    (void)policy;
    return true;
}

static void frame_heap_init(struct policy_heap *policy_heap)
{
    struct frame_heap *heap = (struct frame_heap *)policy_heap;
    const struct policy *policy = policy_heap->policy;
    uint64_t half_bytes = policy_setting(policy, FRAME_chunk_bytes) / 2;
    uint64_t size_max_bytes = policy_setting(policy, FRAME_block_max_bytes);
    heap->size_max_bytes = size_max_bytes < half_bytes ? size_max_bytes : half_bytes;
}

static size_t frame_note_bytes(size_t chunk_bytes)
{
    return offsetof(struct frame_chunk, units) +
           (chunk_bytes >> FRAME_UNIT_BITS) * sizeof(uint16_t);
}

static bool frame_is_current(const struct frame_heap *heap, const struct frame_chunk *frame)
{
    return heap->current == frame;
}

/* Blocks of the chunk that live; what others gave back is collected on the way. */
static uint32_t frame_live_count(const struct frame_heap *heap, struct frame_chunk *frame)
{
    if (atomic_load_explicit(&frame->left_count, memory_order_relaxed) != 0) {
        frame->given_count += atomic_exchange_explicit(&frame->left_count, 0, memory_order_acquire);
    }
    uint32_t taken_count = frame_is_current(heap, frame) ? heap->taken_count : frame->taken_count;
    return taken_count - frame->given_count;
}

static void frame_begin(struct frame_heap *heap)
{
    struct frame_chunk *frame = heap->current;
    CHUNK_POISON(frame->chunk.base, frame->chunk.bytes);
    heap->top = frame->chunk.base;
    heap->end = frame->chunk.base + frame->chunk.bytes;
    heap->units =
        (uintptr_t)frame->units - (frame->chunk.base >> FRAME_UNIT_BITS) * sizeof(uint16_t);
    heap->taken_count = 0;
    frame->given_count = 0;
}

static void frame_reset(struct frame_heap *heap)
{
    heap->heap.counts[COUNT_take_count] += heap->taken_count;
    heap->heap.counts[COUNT_reset_count]++;
    frame_begin(heap);
}

/* No block of this retired chunk lives any more. */
static void frame_recycle(struct frame_heap *heap, struct frame_chunk *frame)
{
    bool is_kept = heap->spare_count < policy_setting(heap->heap.policy, FRAME_spare_chunks) ||
                   !chunk_may_go(&frame->chunk);
    if (is_kept) {
        heap->heap.counts[COUNT_reset_count]++;
        heap->spare_count++;
        frame->chunk.next = heap->spare;
        heap->spare = &frame->chunk;
    } else {
        policy_give_chunk(&frame->chunk);
    }
}

static void frame_collect(struct frame_heap *heap)
{
    struct policy_chunk *chunk = chunk_queue_take(&heap->heap.queue);
    uint64_t steps = 0;
    while (chunk != NULL) {
        struct frame_chunk *frame = (struct frame_chunk *)chunk;
        chunk = chunk_unqueue(chunk);
        steps++;
        bool is_retired = !frame_is_current(heap, frame) && frame->taken_count != 0;
        if (frame_live_count(heap, frame) == 0 && is_retired) {
            frame->taken_count = 0;
            frame->given_count = 0;
            frame_recycle(heap, frame);
        }
    }
    policy_note_steps(&heap->heap, steps);
}

/* Ends the use of the current chunk as long as something in it lives. */
static void frame_retire(struct frame_heap *heap)
{
    struct frame_chunk *frame = heap->current;
    heap->heap.counts[COUNT_take_count] += heap->taken_count;
    frame->taken_count = heap->taken_count;
    heap->current = NULL;
    heap->top = 0;
    heap->end = 0;
}

static bool frame_take_chunk(struct frame_heap *heap)
{
    struct policy *policy = heap->heap.policy;
    size_t bytes = policy_setting(policy, FRAME_chunk_bytes);
    if (heap->spare != NULL) {
        heap->current = (struct frame_chunk *)heap->spare;
        heap->spare = heap->spare->next;
        heap->spare_count--;
    } else {
        heap->current = (struct frame_chunk *)policy_take_chunk(policy, &heap->heap, bytes,
                                                                frame_note_bytes(bytes));
    }
    if (heap->current != NULL) {
        frame_begin(heap);
    }
    return heap->current != NULL;
}

static bool frame_decline(struct frame_heap *heap, enum policy_counter why)
{
    return policy_decline(&heap->heap, why) != NULL;
}

bool frame_refill(struct frame_heap *heap, size_t alignment)
{
    if (alignment > policy_setting(heap->heap.policy, FRAME_chunk_bytes) / 4) {
        return frame_decline(heap, COUNT_declined_alignment_count);
    }
    heap->heap.counts[COUNT_refill_count]++;
    frame_collect(heap);
    if (heap->current != NULL && frame_live_count(heap, heap->current) == 0) {
        frame_reset(heap);
        return true;
    }
    if (heap->current != NULL) {
        frame_retire(heap);
    }
    return frame_take_chunk(heap) || frame_decline(heap, COUNT_declined_full_count);
}

/* The block's entry in the table, if it is one; else NULL. */
static uint16_t *frame_entry(struct frame_chunk *frame, uintptr_t block)
{
    uint16_t *units = &frame->units[(block - frame->chunk.base) >> FRAME_UNIT_BITS];
    return block % FRAME_UNIT_BYTES == 0 && *units != 0 ? units : NULL;
}

static bool frame_leave(struct policy_chunk *chunk, uintptr_t block)
{
    struct frame_chunk *frame = (struct frame_chunk *)chunk;
    chunk_enter(chunk);
    uint16_t *units = frame_entry(frame, block);
    uint16_t unit_count = units != NULL ? __atomic_exchange_n(units, 0, __ATOMIC_RELAXED) : 0;
    if (unit_count != 0) {
        CHUNK_POISON(block, (size_t)unit_count << FRAME_UNIT_BITS);
        atomic_fetch_add_explicit(&frame->left_count, 1, memory_order_release);
    }
    chunk_queue_and_exit(&chunk->owner->queue, chunk);
    return unit_count != 0;
}

static bool frame_give_inside(struct frame_heap *heap, struct policy_chunk *chunk, uintptr_t block)
{
    struct frame_chunk *frame = (struct frame_chunk *)chunk;
    if (chunk->owner != &heap->heap) {
        bool is_left = frame_leave(chunk, block);
        heap->heap.counts[COUNT_remote_give_count] += is_left;
        return is_left;
    }
    uint16_t *units = frame_entry(frame, block);
    if (units == NULL) {
        return false;
    }
    CHUNK_POISON(block, (size_t)*units << FRAME_UNIT_BITS);
    *units = 0;
    frame->given_count++;
    if (frame_is_current(heap, frame)) {
        if (frame->given_count == heap->taken_count) {
            frame_reset(heap);
        }
    } else if (frame_live_count(heap, frame) == 0) {
        frame->taken_count = 0;
        frame->given_count = 0;
        frame_recycle(heap, frame);
    }
    return true;
}

POLICY_GUARDED(frame, struct frame_heap)

static size_t frame_usable(const struct policy_chunk *chunk, uintptr_t block)
{
    const struct frame_chunk *frame = (const struct frame_chunk *)chunk;
    return (size_t)frame->units[(block - chunk->base) >> FRAME_UNIT_BITS] << FRAME_UNIT_BITS;
}

/* The last block may grow to the end of its chunk; others keep what they have. */
static bool frame_resize(struct policy_heap *policy_heap, struct policy_chunk *chunk,
                         uintptr_t block, size_t size_bytes)
{
    struct frame_heap *heap = (struct frame_heap *)policy_heap;
    size_t usable_bytes = frame_usable(chunk, block);
    bool is_last = chunk->owner == policy_heap &&
                   frame_is_current(heap, (struct frame_chunk *)chunk) &&
                   block + usable_bytes == heap->top;
    if (!is_last) {
        return size_bytes <= usable_bytes && size_bytes >= usable_bytes / 2;
    }
    size_t unit_count = (size_bytes + FRAME_UNIT_BYTES - 1) >> FRAME_UNIT_BITS;
    unit_count += unit_count == 0;
    if (size_bytes > heap->size_max_bytes || heap->end - block < unit_count << FRAME_UNIT_BITS) {
        return false;
    }
    heap->top = block + (unit_count << FRAME_UNIT_BITS);
    *frame_units(heap, block) = (uint16_t)unit_count;
    return true;
}

static void frame_end_frame(struct policy_heap *policy_heap)
{
    struct frame_heap *heap = (struct frame_heap *)policy_heap;
    frame_collect(heap);
    if (heap->current == NULL || heap->taken_count == 0) {
        return;
    }
    uint32_t live_count = frame_live_count(heap, heap->current);
    if (live_count == 0) {
        frame_reset(heap);
        return;
    }
    policy_heap->counts[COUNT_reset_refused_count]++;
    policy_heap->counts[COUNT_escaped_count] += live_count;
    frame_retire(heap);
}

static const char *frame_check_chunk(struct frame_chunk *frame, uint32_t live_count)
{
    size_t unit_count = frame->chunk.bytes >> FRAME_UNIT_BITS;
    uint32_t found_count = 0;
    for (size_t at = 0; at < unit_count; at++) {
        size_t length = frame->units[at];
        if (length > unit_count - at) {
            return "a block reaches beyond its chunk";
        }
        for (size_t inside = 1; inside < length; inside++) {
            if (frame->units[at + inside] != 0) {
                return "two blocks overlap";
            }
        }
        found_count += length != 0;
    }
    return found_count == live_count ? NULL : "live blocks are not those taken and not given back";
}

static uint32_t frame_live(struct frame_chunk *frame)
{
    const struct frame_heap *heap = (const struct frame_heap *)frame->chunk.owner;
    uint32_t taken_count = frame_is_current(heap, frame) ? heap->taken_count : frame->taken_count;
    return taken_count - frame->given_count - atomic_load(&frame->left_count);
}

static void frame_count(const struct policy *policy, uint64_t counts[POLICY_COUNTER_COUNT])
{
    uint64_t live_count = 0;
    uint32_t page = 0;
    struct policy_chunk *chunk;
    for (const struct policy_heap *heap = policy->heaps; heap != NULL; heap = heap->next) {
        const struct frame_heap *frame_heap = (const struct frame_heap *)heap;
        counts[COUNT_take_count] += frame_heap->current != NULL ? frame_heap->taken_count : 0;
    }
    while ((chunk = backing_next_chunk(policy->backing, &page)) != NULL) {
        live_count += chunk->policy == policy ? frame_live((struct frame_chunk *)chunk) : 0;
    }
    counts[COUNT_give_count] = counts[COUNT_take_count] - live_count;
}

static const char *frame_check(const struct policy *policy)
{
    uint32_t page = 0;
    struct policy_chunk *chunk;
    while ((chunk = backing_next_chunk(policy->backing, &page)) != NULL) {
        struct frame_chunk *frame = (struct frame_chunk *)chunk;
        const char *wrong =
            chunk->policy == policy ? frame_check_chunk(frame, frame_live(frame)) : NULL;
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

const struct policy_operations frame_operations = {
    .policy_bytes = sizeof(struct policy),
    .heap_bytes = sizeof(struct frame_heap),
    .init = frame_init,
    .heap_init = frame_heap_init,
    .take = frame_take,
    .take_aligned = frame_take_aligned,
    .give = frame_give,
    .leave = frame_leave,
    .usable = frame_usable,
    .resize = frame_resize,
    .end_frame = frame_end_frame,
    .count = frame_count,
    .check = frame_check,
};
