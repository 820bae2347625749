#include "sim_heaps.h"

#include <stdlib.h>

#include "../../interposer/policy/power_of_two.h"
#include "../base/vec.h"

static struct sim_heap *add_heap(struct sim_heaps *heaps)
{
    struct policy_heap *heap = policy_heap_open(heaps->policy);
    if (heap == NULL || vec_reserve((void **)&heaps->items, &heaps->capacity, heaps->count + 1,
                                    sizeof(*heaps->items)) < 0) {
        return NULL;
    }
    heaps->items[heaps->count] = (struct sim_heap){.heap = heap};
    return &heaps->items[heaps->count++];
}

struct policy_heap *sim_heaps_find(struct sim_heaps *heaps, uint32_t thread_id, uint64_t at_ns)
{
    struct sim_heap *ended = NULL;
    for (size_t i = heaps->count; i-- > 0;) {
        if (heaps->items[i].thread_id == thread_id) {
            return heaps->items[i].heap;
        }
        if (ended == NULL && heaps->items[i].ended_ns < at_ns) {
            ended = &heaps->items[i];
        }
    }
    struct sim_heap *found = ended != NULL ? ended : add_heap(heaps);
    if (found == NULL) {
        return NULL;
    }
    const struct thread_row *thread = trace_thread(heaps->trace, thread_id);
    found->thread_id = thread_id;
    found->ended_ns = thread != NULL ? thread->ended_ns : UINT64_MAX;
    return found->heap;
}

void sim_heaps_fini(struct sim_heaps *heaps)
{
    free(heaps->items);
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
