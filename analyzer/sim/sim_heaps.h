/*
 * sim_heaps.h - the heaps of recorded threads in a simulated policy, and what the router does with
 * a recorded call.
 *
 * Heaps of threads that had ended serve later ones, as in the router. Single thread.
 */
#ifndef ALLOCAUDIT_SIM_HEAPS_H
#define ALLOCAUDIT_SIM_HEAPS_H

#include <stddef.h>
#include <stdint.h>

#include "../../interposer/policy/policy.h"
#include "../model/operations.h"
#include "../model/trace.h"

struct sim_heap {
    struct policy_heap *heap;
    uint32_t thread_id;
    uint64_t ended_ns; /* of the thread */
};

struct sim_heaps {
    const struct trace *trace;
    struct policy *policy;
    struct sim_heap *items;
    size_t count;
    size_t capacity;
};

/* The thread's heap at that time; NULL: no memory. */
struct policy_heap *sim_heaps_find(struct sim_heaps *heaps, uint32_t thread_id, uint64_t at_ns);

void sim_heaps_fini(struct sim_heaps *heaps);

/* What reaches the router of a call that allocates. */
struct sim_request {
    size_t size_bytes;
    size_t alignment;
    bool is_routed; /* false: the next allocator's in any case */
};

struct sim_request sim_request_of(const struct operation *operation);

/* The block of an allocation; NULL: the next allocator has it. */
static inline void *sim_take(struct policy_heap *heap, struct sim_request request)
{
    return request.is_routed ? policy_take(heap, request.size_bytes, request.alignment) : NULL;
}

static inline void sim_give(const struct backing *backing, struct policy_heap *heap, void *block)
{
    if (block != NULL) {
        (void)policy_give(heap, backing_chunk(backing, block), block);
    }
}

/* A realloc. A block of the next allocator (NULL) stays with it. */
static inline void *sim_resize(const struct backing *backing, struct policy_heap *heap, void *old,
                               struct sim_request request)
{
    if (old == NULL) {
        return NULL;
    }
    void *block = policy_move(heap, backing_chunk(backing, old), old, request.size_bytes);
    if (block != old) {
        sim_give(backing, heap, old);
    }
    return block;
}

#endif
