#include "simulation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../db/query_mark.h"
#include "../model/live_objects.h"
#include "sim_heaps.h"
#include "sim_rules.h"

struct simulation {
    const struct trace *trace;
    struct sim_heaps heaps;
    struct sim_rules *rules;
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
    now->footprint_bytes = sim_heaps_footprint_bytes(&sim->heaps);
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

static int place_object(struct simulation *sim, const struct operation *operation, void *block)
{
    struct live_object object = {
        .id = operation->made.id,
        .block = block,
        .size_bytes = operation->made.size_bytes,
    };
    if (block != NULL) {
        object.block_bytes = policy_usable(backing_chunk(&sim->heaps.backing, block), block);
        sim->result->served_count++;
    } else {
        sim->result->declined_count++;
    }
    count_object(sim, &object);
    return live_objects_add(&sim->objects, &object);
}

static void end_frames(struct simulation *sim, uint64_t at_ns)
{
    while (sim->next_mark < sim->mark_count && sim->marks[sim->next_mark].at_ns <= at_ns) {
        const struct frame_mark *mark = &sim->marks[sim->next_mark++];
        struct sim_thread *thread = sim_heaps_find(&sim->heaps, mark->thread_id, mark->at_ns);
        advance_time(sim, mark->at_ns);
        for (size_t i = 0; thread != NULL && i < sim->heaps.policy_count; i++) {
            if (thread->heaps[i] != NULL) {
                policy_end_frame(thread->heaps[i]);
            }
        }
        note_moment(sim);
    }
}

static int play(struct simulation *sim, const struct operation *operation, struct err *err)
{
    struct live_object old = {0};
    end_frames(sim, operation->at_ns);
    struct sim_thread *thread = sim_heaps_find(&sim->heaps, operation->thread_id, operation->at_ns);
    int policy = SIM_NO_POLICY;
    int result = 0;
    if (thread == NULL) {
        return err_set_errno(err, ENOMEM, "cannot simulate");
    }
    if (operation->kind != OPERATION_FREE) {
        result = sim_rules_choose(sim->rules, operation, &policy, err);
        if (result < 0) {
            return result;
        }
    }
    advance_time(sim, operation->at_ns);
    sim->result->operation_count++;
    uint64_t ended_id = operation->ended.id;
    bool has_old = ended_id != 0 && live_objects_remove(&sim->objects, ended_id, &old) == 0;
    if (has_old) {
        uncount_object(sim, &old);
    }
    if (operation->kind == OPERATION_FREE) {
        sim_give(&sim->heaps, thread, old.block);
    } else {
        struct sim_request request = sim_request_of(operation);
        void *block = operation->kind == OPERATION_REALLOC && has_old
                          ? sim_resize(&sim->heaps, thread, old.block, policy, request)
                          : sim_take(&sim->heaps, thread, policy, request);
        result = place_object(sim, operation, block) == 0
                     ? 0
                     : err_set_errno(err, ENOMEM, "cannot simulate");
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
    result->policy_count = sim->heaps.policy_count;
    for (size_t i = 0; i < sim->heaps.policy_count; i++) {
        policy_count(sim->heaps.policies[i], result->counts[i]);
    }
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
        result = play(sim, &operation, err);
    }
    operations_close(operations);
    if (result == 0) {
        end_frames(sim, UINT64_MAX - 1);
        finish(sim);
    }
    return result;
}

static int begin(struct simulation *sim, const struct trace *trace, uint32_t process_id,
                 const struct sim_choice *choice, struct err *err)
{
    const struct process_row *process = trace_process(trace, process_id);
    uint64_t ended_ns = process->ended_ns != QUERY_NULL ? process->ended_ns : process->started_ns;
    sim->trace = trace;
    sim->started_ns = process->started_ns;
    sim->now.at_ns = process->started_ns;
    sim->slice_ns = (ended_ns - process->started_ns) / SIMULATION_SLICES + 1;
    if (sim_heaps_init(&sim->heaps, trace, choice) < 0) {
        return err_set_errno(err, ENOMEM, "cannot simulate");
    }
    int result = sim_rules_create(trace, choice->plan, &sim->rules, err);
    return result < 0
               ? result
               : query_frame_marks(trace->db, process_id, &sim->marks, &sim->mark_count, err);
}

int simulation_run(const struct trace *trace, uint32_t process_id, const struct sim_choice *choice,
                   struct simulation_result *out_result, struct err *err)
{
    struct simulation sim = {.result = out_result};
    memset(out_result, 0, sizeof(*out_result));
    int result = begin(&sim, trace, process_id, choice, err);
    if (result == 0) {
        result = play_all(&sim, process_id, err);
    }
    live_objects_fini(&sim.objects);
    free(sim.marks);
    sim_rules_destroy(sim.rules);
    sim_heaps_fini(&sim.heaps);
    return result;
}
