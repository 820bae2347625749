/*
 * chunk.h - a run of pages that a policy cuts into blocks: what all policies' chunks begin with.
 *
 * A chunk belongs to one heap (pool, frame) or to the policy (buddy, slab). Others leave what they
 * give back beside it, without a lock, and put it on the owner's queue once; the owner collects.
 * That is how a block comes back from another thread, and from a signal handler that interrupted
 * the owner.
 *
 *   giver   enter, leave a note of the block, queue the chunk unless it is queued, exit
 *   owner   take all off the queue; of each: clear is_queued, then collect the notes
 *
 * A giver's block counts as used until its note is collected. So a chunk without used blocks has at
 * most givers that are about to exit, and may go once it is not queued and none is inside.
 */
#ifndef ALLOCAUDIT_POLICY_CHUNK_H
#define ALLOCAUDIT_POLICY_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backing.h"

#if defined(__SANITIZE_ADDRESS__)
#    include <sanitizer/asan_interface.h>
#    define CHUNK_POISON(start, bytes)   ASAN_POISON_MEMORY_REGION((void *)(start), (bytes))
#    define CHUNK_UNPOISON(start, bytes) ASAN_UNPOISON_MEMORY_REGION((void *)(start), (bytes))
#else
#    define CHUNK_POISON(start, bytes)   ((void)0)
#    define CHUNK_UNPOISON(start, bytes) ((void)0)
#endif

struct policy;
struct policy_heap;

struct policy_chunk {
    bool (*give)(uintptr_t block, struct policy_chunk *chunk, struct policy_heap *heap);
    struct policy_heap *owner; /* NULL: the policy itself */
    uintptr_t base;
    struct policy *policy;
    uint32_t bytes;
    uint32_t note_bytes;       /* of this description */
    struct policy_chunk *next; /* in a list of its policy */
    struct policy_chunk *previous;
    struct policy_chunk *queue_next;
    _Atomic uint32_t is_queued;
    _Atomic uint32_t giver_count; /* givers inside */
};

struct chunk_queue {
    _Atomic(struct policy_chunk *) head;
};

static inline void chunk_enter(struct policy_chunk *chunk)
{
    atomic_fetch_add_explicit(&chunk->giver_count, 1, memory_order_relaxed);
}

/* The note has been left. */
static inline void chunk_queue_and_exit(struct chunk_queue *queue, struct policy_chunk *chunk)
{
    if (atomic_exchange_explicit(&chunk->is_queued, 1, memory_order_acq_rel) == 0) {
        struct policy_chunk *head = atomic_load_explicit(&queue->head, memory_order_relaxed);
        do {
            chunk->queue_next = head;
        } while (!atomic_compare_exchange_weak_explicit(
            &queue->head, &head, chunk, memory_order_release, memory_order_relaxed));
    }
    atomic_fetch_sub_explicit(&chunk->giver_count, 1, memory_order_release);
}

/* All that is queued, as a list by queue_next. */
static inline struct policy_chunk *chunk_queue_take(struct chunk_queue *queue)
{
    if (atomic_load_explicit(&queue->head, memory_order_relaxed) == NULL) {
        return NULL;
    }
    return atomic_exchange_explicit(&queue->head, NULL, memory_order_acquire);
}

/* Call before collecting. Returns the next of the list. */
static inline struct policy_chunk *chunk_unqueue(struct policy_chunk *chunk)
{
    struct policy_chunk *next = chunk->queue_next;
    atomic_exchange_explicit(&chunk->is_queued, 0, memory_order_acq_rel);
    return next;
}

/* True if a chunk without used blocks may be given back. */
static inline bool chunk_may_go(struct policy_chunk *chunk)
{
    return atomic_load_explicit(&chunk->is_queued, memory_order_acquire) == 0 &&
           atomic_load_explicit(&chunk->giver_count, memory_order_acquire) == 0;
}

/* Lists have a chunk as their head, of which only the links are used. */
static inline void chunk_list_init(struct policy_chunk *head)
{
    head->next = head;
    head->previous = head;
}

static inline bool chunk_list_is_empty(const struct policy_chunk *head)
{
    return head->next == head;
}

static inline void chunk_list_add(struct policy_chunk *after, struct policy_chunk *chunk)
{
    chunk->next = after->next;
    chunk->previous = after;
    after->next->previous = chunk;
    after->next = chunk;
}

static inline void chunk_list_remove(struct policy_chunk *chunk)
{
    chunk->next->previous = chunk->previous;
    chunk->previous->next = chunk->next;
    chunk->next = NULL;
    chunk->previous = NULL;
}

#endif
