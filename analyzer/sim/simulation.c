#include "simulation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/vec.h"
#include "../db/query_mark.h"
#include "../model/operations.h"
#include "live_objects.h"

/* A recorded thread's heap. Those of threads that had ended serve later ones, as in the router. */
struct sim_heap {
    struct policy_heap *heap;
    uint32_t thread_id;
    uint64_t ended_ns;
};

struct simulation {
    const struct trace *trace;
    struct backing backing;
    struct policy *policy;
    struct sim_heap *heaps;
    size_t heap_count;
    size_t heap_capacity;
    struct live_objects objects;
    struct frame_mark *marks;
    size_t mark_count;
    size_t next_mark;
    struct simulation_moment now;
    uint64_t requested_bytes; /* of all blocks */
    uint64_t started_ns;
    uint64_t slice_ns;
    double weight_ns;
    double sums[5]; /* of the mean: requested, rounding, holes, footprint, declined */
    struct simulation_result *result;
};

/* ---- heaps -------------------------------------------------------------------------------------
 */

static uint64_t thread_ended_ns(const struct simulation *sim, uint32_t thread_id)
{
    const struct thread_row *thread = trace_thread(sim->trace, thread_id);
    return thread != NULL ? thread->ended_ns : UINT64_MAX;
}

static struct sim_heap *add_heap(struct simulation *sim)
{
    struct policy_heap *heap = policy_heap_open(sim->policy);
    if (heap == NULL || vec_reserve((void **)&sim->heaps, &sim->heap_capacity, sim->heap_count + 1,
                                    sizeof(*sim->heaps)) < 0) {
        return NULL;
    }
    sim->heaps[sim->heap_count] = (struct sim_heap){.heap = heap};
    return &sim->heaps[sim->heap_count++];
}

static struct policy_heap *heap_of(struct simulation *sim, uint32_t thread_id, uint64_t at_ns)
{
    struct sim_heap *ended = NULL;
    for (size_t i = sim->heap_count; i-- > 0;) {
        if (sim->heaps[i].thread_id == thread_id) {
            return sim->heaps[i].heap;
        }
        if (ended == NULL && sim->heaps[i].ended_ns < at_ns) {
            ended = &sim->heaps[i];
        }
    }
    struct sim_heap *found = ended != NULL ? ended : add_heap(sim);
    if (found == NULL) {
        return NULL;
    }
    found->thread_id = thread_id;
    found->ended_ns = thread_ended_ns(sim, thread_id);
    return found->heap;
}

/* ---- the memory over time ----------------------------------------------------------------------
 */

static void advance_time(struct simulation *sim, uint64_t at_ns)
{
    struct simulation_moment *now = &sim->now;
    double passed_ns = at_ns > now->at_ns ? (double)(at_ns - now->at_ns) : 0;
    const uint64_t values[] = {now->requested_bytes, now->rounding_bytes, now->holes_bytes,
                               now->footprint_bytes, now->declined_bytes};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        sim->sums[i] += (double)values[i] * passed_ns;
    }
    sim->weight_ns += passed_ns;
    now->at_ns = at_ns > now->at_ns ? at_ns : now->at_ns;
}

static void note_moment(struct simulation *sim)
{
    struct simulation_result *result = sim->result;
    struct simulation_moment *now = &sim->now;
    now->footprint_bytes = atomic_load(&sim->policy->footprint_bytes);
    now->holes_bytes = now->footprint_bytes - now->requested_bytes - now->rounding_bytes;
    if (now->footprint_bytes > result->peak.footprint_bytes) {
        result->peak = *now;
    }
    if (sim->requested_bytes > result->requested_max_bytes) {
        result->requested_max_bytes = sim->requested_bytes;
    }
    size_t at = (size_t)((now->at_ns - sim->started_ns) / sim->slice_ns);
    at = at < SIMULATION_SLICES ? at : SIMULATION_SLICES - 1;
    for (; result->slice_count <= at; result->slice_count++) {
        result->slices[result->slice_count] = *now;
    }
    if (now->footprint_bytes > result->slices[at].footprint_bytes) {
        result->slices[at] = *now;
    }
}

static void count_object(struct simulation *sim, const struct live_object *object)
{
    sim->requested_bytes += object->size_bytes;
    if (object->block != NULL) {
        sim->now.requested_bytes += object->size_bytes;
        sim->now.rounding_bytes += object->block_bytes - object->size_bytes;
    } else {
        sim->now.declined_bytes += object->size_bytes;
    }
}

static void uncount_object(struct simulation *sim, const struct live_object *object)
{
    sim->requested_bytes -= object->size_bytes;
    if (object->block != NULL) {
        sim->now.requested_bytes -= object->size_bytes;
        sim->now.rounding_bytes -= object->block_bytes - object->size_bytes;
    } else {
        sim->now.declined_bytes -= object->size_bytes;
    }
}

/* ---- calls -------------------------------------------------------------------------------------
 */

static bool is_power_of_two(uint64_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

/* What reaches the router of a call that the program made. */
static void *take(struct policy_heap *heap, const struct operation *operation)
{
    uint64_t size_bytes = operation->size_bytes;
    uint64_t alignment = operation->alignment;
    switch (operation->alloc_kind) {
    case ALLOC_KIND_VALLOC:
    case ALLOC_KIND_PVALLOC:
        return NULL; /* not routed */
    case ALLOC_KIND_NEW:
    case ALLOC_KIND_NEW_ARRAY:
        if (alignment > 0) { /* libstdc++ asks for a multiple of the alignment */
            size_bytes = (size_bytes + alignment - 1) / alignment * alignment;
        }
        size_bytes = size_bytes == 0 ? 1 : size_bytes;
        break;
    default:
        break;
    }
    if (alignment != 0 && !is_power_of_two(alignment)) {
        return NULL;
    }
    return policy_take(heap, size_bytes, alignment);
}

static int place_object(struct simulation *sim, const struct operation *operation, void *block)
{
    struct live_object object = {
        .id = operation->object_id,
        .block = block,
        .size_bytes = operation->size_bytes,
    };
    if (block != NULL) {
        object.block_bytes = policy_usable(backing_chunk(&sim->backing, block), block);
        sim->result->served_count++;
    } else {
        sim->result->declined_count++;
    }
    count_object(sim, &object);
    return live_objects_add(&sim->objects, &object);
}

static void give(struct simulation *sim, struct policy_heap *heap, void *block)
{
    if (block != NULL) {
        (void)policy_give(heap, backing_chunk(&sim->backing, block), block);
    }
}

/* A block of the next allocator stays with it. */
static void *reallocate(struct simulation *sim, struct policy_heap *heap,
                        const struct operation *operation, void *old)
{
    if (old == NULL) {
        return NULL;
    }
    if (policy_resize(heap, backing_chunk(&sim->backing, old), old, operation->size_bytes)) {
        return old;
    }
    void *block = policy_take(heap, operation->size_bytes, 0);
    give(sim, heap, old);
    return block;
}

static void end_frames(struct simulation *sim, uint64_t at_ns)
{
    while (sim->next_mark < sim->mark_count && sim->marks[sim->next_mark].at_ns <= at_ns) {
        const struct frame_mark *mark = &sim->marks[sim->next_mark++];
        struct policy_heap *heap = heap_of(sim, mark->thread_id, mark->at_ns);
        if (heap != NULL) {
            advance_time(sim, mark->at_ns);
            policy_end_frame(heap);
            note_moment(sim);
        }
    }
}

static int play(struct simulation *sim, const struct operation *operation)
{
    struct live_object old = {0};
    end_frames(sim, operation->at_ns);
    struct policy_heap *heap = heap_of(sim, operation->thread_id, operation->at_ns);
    if (heap == NULL) {
        return -ENOMEM;
    }
    advance_time(sim, operation->at_ns);
    sim->result->operation_count++;
    uint64_t ended_id = operation->kind == OPERATION_FREE      ? operation->object_id
                        : operation->kind == OPERATION_REALLOC ? operation->old_object_id
                                                               : 0;
    bool has_old = ended_id != 0 && live_objects_remove(&sim->objects, ended_id, &old) == 0;
    if (has_old) {
        uncount_object(sim, &old);
    }
    int result = 0;
    if (operation->kind == OPERATION_FREE) {
        give(sim, heap, old.block);
    } else {
        void *block = operation->kind == OPERATION_REALLOC && has_old
                          ? reallocate(sim, heap, operation, old.block)
                          : take(heap, operation);
        result = place_object(sim, operation, block);
    }
    note_moment(sim);
    return result;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static void finish(struct simulation *sim)
{
    struct simulation_result *result = sim->result;
    double weight_ns = sim->weight_ns > 0 ? sim->weight_ns : 1;
    policy_count(sim->policy, result->counts);
    result->end = sim->now;
    result->mean = (struct simulation_moment){
        .at_ns = (uint64_t)sim->weight_ns,
        .requested_bytes = (uint64_t)(sim->sums[0] / weight_ns),
        .rounding_bytes = (uint64_t)(sim->sums[1] / weight_ns),
        .holes_bytes = (uint64_t)(sim->sums[2] / weight_ns),
        .footprint_bytes = (uint64_t)(sim->sums[3] / weight_ns),
        .declined_bytes = (uint64_t)(sim->sums[4] / weight_ns),
    };
}

static int play_all(struct simulation *sim, uint32_t process_id, struct err *err)
{
    struct operations *operations = NULL;
    struct operation operation;
    int result = operations_open(sim->trace->db, process_id, &operations, err);
    while (result == 0 && (result = operations_next(operations, &operation, err)) > 0) {
        result = play(sim, &operation);
        if (result < 0) {
            err_set_errno(err, -result, "cannot simulate");
        }
    }
    operations_close(operations);
    if (result == 0) {
        end_frames(sim, UINT64_MAX - 1);
        finish(sim);
    }
    return result;
}

static int begin(struct simulation *sim, const struct trace *trace, uint32_t process_id,
                 const struct policy_settings *settings, struct err *err)
{
    const struct process_row *process = trace_process(trace, process_id);
    uint64_t ended_ns = process->ended_ns != QUERY_NULL ? process->ended_ns : process->started_ns;
    sim->trace = trace;
    sim->started_ns = process->started_ns;
    sim->now.at_ns = process->started_ns;
    sim->slice_ns = (ended_ns - process->started_ns) / SIMULATION_SLICES + 1;
    if (!backing_init(&sim->backing, BACKING_BYTES_MOST, true) ||
        (sim->policy = policy_create(settings, &sim->backing)) == NULL) {
        return err_set_errno(err, ENOMEM, "cannot simulate");
    }
    return query_frame_marks(trace->db, process_id, &sim->marks, &sim->mark_count, err);
}

int simulation_run(const struct trace *trace, uint32_t process_id,
                   const struct policy_settings *settings, struct simulation_result *out_result,
                   struct err *err)
{
    struct simulation sim = {.result = out_result};
    memset(out_result, 0, sizeof(*out_result));
    int result = begin(&sim, trace, process_id, settings, err);
    if (result == 0) {
        result = play_all(&sim, process_id, err);
    }
    live_objects_fini(&sim.objects);
    free(sim.marks);
    free(sim.heaps);
    backing_fini(&sim.backing);
    return result;
}
