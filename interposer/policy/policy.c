#include "policy.h"

#include <string.h>

const char *const policy_counter_names[POLICY_COUNTER_COUNT] = {
#define X(name, text) #name,
    POLICY_COUNTERS(X)
#undef X
};

const char *const policy_counter_texts[POLICY_COUNTER_COUNT] = {
#define X(name, text) text,
    POLICY_COUNTERS(X)
#undef X
};

static const struct policy_operations *const operations_of[POLICY_KIND_COUNT] = {
#define X(identifier, name, text) &name##_operations,
    POLICY_KINDS(X)
#undef X
};

struct policy *policy_create(const struct policy_settings *settings, struct backing *backing)
{
    const struct policy_operations *operations = operations_of[settings->kind];
    struct policy *policy = backing_take_note(backing, operations->policy_bytes);
    if (policy == NULL) {
        return NULL;
    }
    policy->operations = operations;
    policy->backing = backing;
    policy->settings = *settings;
    return operations->init(policy) ? policy : NULL;
}

static struct policy_heap *heap_adopt(struct policy *policy)
{
    for (struct policy_heap *heap = policy->heaps; heap != NULL; heap = heap->next) {
        if (!heap->is_open) {
            heap->is_open = true;
            return heap;
        }
    }
    return NULL;
}

struct policy_heap *policy_heap_open(struct policy *policy)
{
    policy_lock(&policy->lock);
    struct policy_heap *heap = heap_adopt(policy);
    if (heap == NULL) {
        heap = backing_take_note(policy->backing, policy->operations->heap_bytes);
        if (heap != NULL) {
            heap->policy = policy;
            heap->take = policy->operations->take;
            heap->is_open = true;
            heap->gate = &heap->own_gate;
            policy_leave(heap);
            policy->operations->heap_init(heap);
            heap->next = policy->heaps;
            policy->heaps = heap;
        }
    }
    policy_unlock(&policy->lock);
    return heap;
}

void policy_heap_close(struct policy_heap *heap)
{
    struct policy *policy = heap->policy;
    if (policy->operations->heap_close != NULL) {
        (void)policy_enter(heap);
        policy->operations->heap_close(heap);
        policy_leave(heap);
    }
    policy_lock(&policy->lock);
    heap->is_open = false;
    policy_unlock(&policy->lock);
}

void policy_heap_move_gate(struct policy_heap *heap, struct policy_heap **gate)
{
    struct policy_heap **old = heap->gate;
    struct policy_heap *state = *old;
    *old = NULL; /* busy, at whichever of the two a signal handler looks */
    atomic_signal_fence(memory_order_seq_cst);
    heap->gate = gate != NULL ? gate : &heap->own_gate;
    atomic_signal_fence(memory_order_seq_cst);
    *heap->gate = state;
}

bool policy_note(struct policy_chunk *chunk, uintptr_t block)
{
    struct policy *policy = chunk->policy;
    bool is_left = policy->operations->leave(chunk, block);
    if (is_left) {
        atomic_fetch_add_explicit(&policy->noted_give_count, 1, memory_order_relaxed);
    }
    return is_left;
}

size_t policy_usable(const struct policy_chunk *chunk, const void *block)
{
    return chunk->policy->operations->usable(chunk, (uintptr_t)block);
}

bool policy_resize(struct policy_heap *heap, struct policy_chunk *chunk, void *block,
                   size_t size_bytes)
{
    const struct policy_operations *operations = chunk->policy->operations;
    if (heap == NULL || !policy_enter(heap)) {
        return false;
    }
    CHUNK_POISON(block, operations->usable(chunk, (uintptr_t)block));
    bool is_resized;
    if (operations->resize != NULL) {
        is_resized = operations->resize(heap, chunk, (uintptr_t)block, size_bytes);
    } else {
        /* Not where half of it would be wasted. */
        size_t usable_bytes = operations->usable(chunk, (uintptr_t)block);
        is_resized = size_bytes <= usable_bytes && size_bytes >= usable_bytes / 2;
    }
    heap->counts[COUNT_resize_count] += is_resized;
    policy_leave(heap);
    CHUNK_UNPOISON(block, is_resized ? size_bytes : operations->usable(chunk, (uintptr_t)block));
    return is_resized;
}

void policy_end_frame(struct policy_heap *heap)
{
    if (!policy_enter(heap)) {
        return;
    }
    heap->counts[COUNT_frame_count]++;
    if (heap->policy->operations->end_frame != NULL) {
        heap->policy->operations->end_frame(heap);
    }
    policy_leave(heap);
}

/* In the order in which calls take them: the policy's own, then those of its classes. */
void policy_before_fork(struct policy *policy)
{
    policy_lock(&policy->lock);
    if (policy->operations->lock_all != NULL) {
        policy->operations->lock_all(policy, true);
    }
}

void policy_after_fork(struct policy *policy)
{
    if (policy->operations->lock_all != NULL) {
        policy->operations->lock_all(policy, false);
    }
    policy_unlock(&policy->lock);
}

static bool is_largest(unsigned counter)
{
    return counter == COUNT_step_max || counter == COUNT_footprint_max_bytes;
}

void policy_count_ever(const struct policy *policy, uint64_t out_counts[POLICY_COUNTER_COUNT])
{
    memset(out_counts, 0, POLICY_COUNTER_COUNT * sizeof(*out_counts));
    for (const struct policy_heap *heap = policy->heaps; heap != NULL; heap = heap->next) {
        for (unsigned i = 0; i < POLICY_COUNTER_COUNT; i++) {
            if (!is_largest(i)) {
                out_counts[i] += heap->counts[i];
            } else if (heap->counts[i] > out_counts[i]) {
                out_counts[i] = heap->counts[i];
            }
        }
        out_counts[COUNT_declined_busy_count] += heap->busy_count;
    }
    out_counts[COUNT_remote_give_count] += atomic_load(&policy->noted_give_count);
    out_counts[COUNT_chunk_take_count] = atomic_load(&policy->chunk_take_count);
    out_counts[COUNT_chunk_give_count] = atomic_load(&policy->chunk_give_count);
    out_counts[COUNT_footprint_bytes] = atomic_load(&policy->footprint_bytes);
    out_counts[COUNT_footprint_max_bytes] = atomic_load(&policy->footprint_max_bytes);
    policy->operations->count(policy, out_counts);
}

void policy_count(const struct policy *policy, uint64_t out_counts[POLICY_COUNTER_COUNT])
{
    policy_count_ever(policy, out_counts);
    for (unsigned i = 0; i < POLICY_COUNTER_COUNT; i++) {
        out_counts[i] -= policy->old_counts[i];
    }
}

/* A level goes on from where it is, and the highest ones are looked for anew. */
void policy_count_anew(struct policy *policy)
{
    for (struct policy_heap *heap = policy->heaps; heap != NULL; heap = heap->next) {
        heap->counts[COUNT_step_max] = 0;
    }
    atomic_store(&policy->footprint_max_bytes, atomic_load(&policy->footprint_bytes));
    policy_count_ever(policy, policy->old_counts);
    policy->old_counts[COUNT_footprint_bytes] = 0;
    policy->old_counts[COUNT_footprint_max_bytes] = 0;
}

const char *policy_check(const struct policy *policy)
{
    uint64_t counts[POLICY_COUNTER_COUNT];
    policy_count_ever(policy, counts);
    if (counts[COUNT_give_count] > counts[COUNT_take_count]) {
        return "more blocks were given back than taken";
    }
    if (counts[COUNT_chunk_give_count] > counts[COUNT_chunk_take_count]) {
        return "more chunks were given back than taken";
    }
    return policy->operations->check(policy);
}

struct policy_chunk *policy_take_chunk(struct policy *policy, struct policy_heap *owner,
                                       size_t bytes, size_t note_bytes)
{
    struct policy_chunk *chunk = backing_take_note(policy->backing, note_bytes);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->policy = policy;
    chunk->give = policy->operations->give;
    chunk->owner = owner;
    chunk->bytes = (uint32_t)bytes;
    chunk->note_bytes = (uint32_t)note_bytes;
    chunk->base = backing_take(policy->backing, bytes, chunk);
    if (chunk->base == 0) {
        backing_give_note(policy->backing, chunk, note_bytes);
        return NULL;
    }
    CHUNK_POISON(chunk->base, bytes);
    uint64_t held_bytes = bytes + note_bytes;
    uint64_t footprint_bytes = atomic_fetch_add(&policy->footprint_bytes, held_bytes) + held_bytes;
    uint64_t most_bytes = atomic_load(&policy->footprint_max_bytes);
    while (
        footprint_bytes > most_bytes &&
        !atomic_compare_exchange_weak(&policy->footprint_max_bytes, &most_bytes, footprint_bytes)) {
    }
    atomic_fetch_add(&policy->chunk_take_count, 1);
    return chunk;
}

void policy_give_chunk(struct policy_chunk *chunk)
{
    struct policy *policy = chunk->policy;
    atomic_fetch_sub(&policy->footprint_bytes, (uint64_t)chunk->bytes + chunk->note_bytes);
    atomic_fetch_add(&policy->chunk_give_count, 1);
    CHUNK_UNPOISON(chunk->base, chunk->bytes);
    backing_give(policy->backing, chunk->base, chunk->bytes);
    backing_give_note(policy->backing, chunk, chunk->note_bytes);
}
