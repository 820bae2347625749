/*
 * sim_heaps.h - the heaps of recorded threads in simulated policies, and what the router does with
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
#include "../plan/plan.h"

enum {
    SIM_NO_POLICY = -1, /* the next allocator's in any case */
};

/* What is simulated: one policy for all calls, or a plan with one for each of its rules. */
struct sim_choice {
    const struct policy_settings *settings; /* of the one policy; not used with a plan */
    const struct plan *plan;                /* NULL: none */
};

/* What a thread has. */
struct sim_thread {
    struct policy_heap *heaps[PLAN_RULES_MAX]; /* by policy; NULL: not yet used */
    uint32_t thread_id;
    uint64_t ended_ns;
};

/* Zeroed, sim_heaps_fini() has nothing to do. */
struct sim_heaps {
    const struct trace *trace;
    const struct plan *plan;
    struct backing backing;
    struct policy *policies[PLAN_RULES_MAX];
    size_t policy_count;
    struct sim_thread **items;
    size_t count;
    size_t capacity;
};

/* Makes the policies. Returns 0 or -ENOMEM. */
int sim_heaps_init(struct sim_heaps *heaps, const struct trace *trace,
                   const struct sim_choice *choice);

/* What the thread has at that time, until sim_heaps_fini(); NULL: no memory. */
struct sim_thread *sim_heaps_find(struct sim_heaps *heaps, uint32_t thread_id, uint64_t at_ns);

void sim_heaps_fini(struct sim_heaps *heaps);

/* The rest of sim_heap_of(). */
struct policy_heap *sim_heaps_open(struct sim_heaps *heaps, struct sim_thread *thread,
                                   unsigned policy);

/* Memory that all policies hold. */
uint64_t sim_heaps_footprint_bytes(const struct sim_heaps *heaps);

/* What reaches the router of a call that allocates. */
struct sim_request {
    size_t size_bytes;
    size_t alignment;
    bool is_routed; /* false: the next allocator's in any case */
};

struct sim_request sim_request_of(const struct operation *operation);

static inline struct policy_heap *sim_heap_of(struct sim_heaps *heaps, struct sim_thread *thread,
                                              unsigned policy)
{
    struct policy_heap *heap = thread->heaps[policy];
    return heap != NULL ? heap : sim_heaps_open(heaps, thread, policy);
}

/* A block of that policy, or NULL: the next allocator has it. */
static inline void *sim_take(struct sim_heaps *heaps, struct sim_thread *thread, int policy,
                             struct sim_request request)
{
    if (policy == SIM_NO_POLICY || !request.is_routed) {
        return NULL;
    }
    struct policy_heap *heap = sim_heap_of(heaps, thread, (unsigned)policy);
    return heap != NULL ? policy_take(heap, request.size_bytes, request.alignment) : NULL;
}

static inline void sim_give(struct sim_heaps *heaps, struct sim_thread *thread, void *block)
{
    if (block != NULL) {
        struct policy_chunk *chunk = backing_chunk(&heaps->backing, block);
        (void)policy_give(thread->heaps[chunk->policy->number], chunk, block);
    }
}

/* Whether the rule of the policy that has the block still allows that size. */
static inline bool sim_is_within(const struct sim_heaps *heaps, unsigned policy, size_t size_bytes)
{
    return heaps->plan == NULL || (size_bytes >= heaps->plan->rules[policy].size_min_bytes &&
                                   size_bytes <= heaps->plan->rules[policy].size_max_bytes);
}

/*
 * A realloc at a call that is for `policy`. Without a plan a block of the next allocator (NULL)
 * stays with it.
 */
static inline void *sim_resize(struct sim_heaps *heaps, struct sim_thread *thread, void *old,
                               int policy, struct sim_request request)
{
    if (old == NULL) {
        return heaps->plan != NULL ? sim_take(heaps, thread, policy, request) : NULL;
    }
    struct policy_chunk *chunk = backing_chunk(&heaps->backing, old);
    unsigned own = chunk->policy->number;
    void *block = sim_is_within(heaps, own, request.size_bytes)
                      ? policy_move(sim_heap_of(heaps, thread, own), chunk, old, request.size_bytes)
                      : sim_take(heaps, thread, policy, request);
    if (block != old) {
        sim_give(heaps, thread, old);
    }
    return block;
}

#endif
