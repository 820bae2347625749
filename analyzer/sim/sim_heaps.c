#include "sim_heaps.h"

#include <errno.h>
#include <stdlib.h>

#include "../../interposer/policy/power_of_two.h"
#include "../base/vec.h"

static int add_policy(struct sim_heaps *heaps, const struct policy_settings *settings)
{
    struct policy *policy = policy_create(settings, &heaps->backing);
    if (policy == NULL) {
        return -ENOMEM;
    }
    policy->number = (uint32_t)heaps->policy_count;
    heaps->policies[heaps->policy_count++] = policy;
    return 0;
}

int sim_heaps_init(struct sim_heaps *heaps, const struct trace *trace,
                   const struct sim_choice *choice)
{
    heaps->trace = trace;
    heaps->plan = choice->plan;
    if (!backing_init(&heaps->backing, BACKING_BYTES_MOST, true)) {
        return -ENOMEM;
    }
    if (choice->plan == NULL) {
        return add_policy(heaps, choice->settings);
    }
    int result = 0;
    for (size_t i = 0; i < choice->plan->rule_count && result == 0; i++) {
        result = add_policy(heaps, &choice->plan->rules[i].settings);
    }
    return result;
}

static struct sim_thread *add_thread(struct sim_heaps *heaps)
{
    struct sim_thread *thread = calloc(1, sizeof(*thread));
    if (thread == NULL || vec_reserve((void **)&heaps->items, &heaps->capacity, heaps->count + 1,
                                      sizeof(*heaps->items)) < 0) {
        free(thread);
        return NULL;
    }
    heaps->items[heaps->count++] = thread;
    /* As in the router: without a plan the thread's heap is there from the beginning. */
    return heaps->plan != NULL || sim_heaps_open(heaps, thread, 0) != NULL ? thread : NULL;
}

struct sim_thread *sim_heaps_find(struct sim_heaps *heaps, uint32_t thread_id, uint64_t at_ns)
{
    struct sim_thread *ended = NULL;
    for (size_t i = heaps->count; i-- > 0;) {
        if (heaps->items[i]->thread_id == thread_id) {
            return heaps->items[i];
        }
        if (ended == NULL && heaps->items[i]->ended_ns < at_ns) {
            ended = heaps->items[i];
        }
    }
    struct sim_thread *found = ended != NULL ? ended : add_thread(heaps);
    if (found == NULL) {
        return NULL;
    }
    const struct thread_row *thread = trace_thread(heaps->trace, thread_id);
    found->thread_id = thread_id;
    found->ended_ns = thread != NULL ? thread->ended_ns : UINT64_MAX;
    return found;
}

struct policy_heap *sim_heaps_open(struct sim_heaps *heaps, struct sim_thread *thread,
                                   unsigned policy)
{
    thread->heaps[policy] = policy_heap_open(heaps->policies[policy]);
    return thread->heaps[policy];
}

uint64_t sim_heaps_footprint_bytes(const struct sim_heaps *heaps)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < heaps->policy_count; i++) {
        bytes += atomic_load(&heaps->policies[i]->footprint_bytes);
    }
    return bytes;
}

void sim_heaps_fini(struct sim_heaps *heaps)
{
    for (size_t i = 0; i < heaps->count; i++) {
        free(heaps->items[i]);
    }
    free(heaps->items);
    backing_fini(&heaps->backing);
    *heaps = (struct sim_heaps){0};
}

struct sim_request sim_request_of(const struct operation *operation)
{
    struct sim_request request = {
        .size_bytes = operation->made.size_bytes,
        .alignment = operation->alignment,
        .is_routed = operation->alignment == 0 || is_power_of_two(operation->alignment),
    };
    if (operation->alloc_kind == ALLOC_KIND_VALLOC || operation->alloc_kind == ALLOC_KIND_PVALLOC) {
        request.is_routed = false;
    }
    if (operation->alloc_kind == ALLOC_KIND_NEW || operation->alloc_kind == ALLOC_KIND_NEW_ARRAY) {
        if (request.alignment > 0) { /* libstdc++ asks for a multiple of the alignment */
            request.size_bytes = (request.size_bytes + request.alignment - 1) / request.alignment *
                                 request.alignment;
        }
        request.size_bytes += request.size_bytes == 0;
    }
    return request;
}
