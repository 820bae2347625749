#include "pooling.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/map.h"
#include "../base/vec.h"

struct pooling_state {
    struct pooling pooling;
    size_t site_capacity;
    struct map site_places; /* stack and size -> index */
    uint64_t peak_ns;
    bool is_past_peak;
};

enum {
    SIZE_BITS = 14, /* hold POOLING_SIZE_MAX */
};
_Static_assert(POOLING_SIZE_MAX < 1 << SIZE_BITS, "a size fits beside a stack");

static unsigned class_of(uint64_t size_bytes)
{
    if (size_bytes <= 128) {
        return size_bytes == 0 ? 0 : (unsigned)((size_bytes - 1) / 16);
    }
    unsigned log2 = 63u - (unsigned)__builtin_clzll(size_bytes - 1); /* 7 for 129 to 256 */
    return 8 + (log2 - 7) * 4 + (unsigned)((size_bytes - 1) >> (log2 - 2) & 3);
}

static uint32_t class_bytes(unsigned size_class)
{
    if (size_class < 8) {
        return (size_class + 1) * 16;
    }
    unsigned log2 = 7 + (size_class - 8) / 4;
    return (1u << log2) + ((size_class - 8) % 4 + 1) * (1u << (log2 - 2));
}

uint32_t pooling_class_bytes(uint64_t size_bytes)
{
    return class_bytes(class_of(size_bytes));
}

static int create(const struct trace *trace, uint32_t process_id, void **out_state, struct err *err)
{
    struct pooling_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        return err_set_errno(err, ENOMEM, "cannot look for pools");
    }
    const struct process_row *process = trace_process(trace, process_id);
    state->peak_ns = process != NULL ? process->peak_ns : 0;
    for (unsigned i = 0; i < POOLING_CLASSES; i++) {
        state->pooling.classes[i].slot_bytes = class_bytes(i);
    }
    *out_state = state;
    return 0;
}

static void note_peak(struct pool_group *group)
{
    group->peak_count = group->live_count;
    group->peak_bytes = group->live_bytes;
    group->peak_usable_bytes = group->live_usable_bytes;
}

/* The peak is over: what all had live then. */
static void pass_peak(struct pooling_state *state)
{
    state->is_past_peak = true;
    for (size_t i = 0; i < state->pooling.site_count; i++) {
        struct pool_group *group = &state->pooling.sites[i];
        note_peak(group);
        state->pooling.peak_counts[block_cost_place(group->size_bytes)] += group->peak_count;
    }
    for (size_t i = 0; i < POOLING_CLASSES; i++) {
        note_peak(&state->pooling.classes[i]);
    }
}

static int find_site(struct pooling_state *state, const struct block_facts *block,
                     struct pool_group **out_group)
{
    uint64_t key = (uint64_t)block->stack_id << SIZE_BITS | block->size_bytes;
    struct pooling *pooling = &state->pooling;
    uint32_t place;
    if (!map_get(&state->site_places, key, &place)) {
        int result = vec_reserve((void **)&pooling->sites, &state->site_capacity,
                                 pooling->site_count + 1, sizeof(*pooling->sites));
        place = (uint32_t)pooling->site_count;
        result = result == 0 ? map_put(&state->site_places, key, place) : result;
        if (result < 0) {
            return result;
        }
        uint64_t slot_bytes = block->size_bytes == 0 ? 8 : (block->size_bytes + 7) / 8 * 8;
        pooling->sites[pooling->site_count++] = (struct pool_group){
            .stack_id = block->stack_id,
            .size_bytes = block->size_bytes,
            .slot_bytes = (uint32_t)slot_bytes,
        };
    }
    *out_group = &pooling->sites[place];
    return 0;
}

static void pass_time(struct pool_group *group, uint64_t at_ns)
{
    group->live_count_ns += (double)group->live_count * (double)(at_ns - group->changed_ns);
    group->changed_ns = at_ns;
}

static void bear(struct pool_group *group, const struct operation *operation)
{
    const struct block_facts *block = &operation->made;
    pass_time(group, operation->at_ns);
    group->allocation_count++;
    group->allocated_bytes += block->size_bytes;
    group->live_count++;
    group->live_bytes += block->size_bytes;
    group->live_usable_bytes += block->usable_bytes;
    if (group->live_count > group->live_count_max) {
        group->live_count_max = group->live_count;
    }
}

static void bury(struct pool_group *group, const struct operation *operation)
{
    const struct block_facts *block = &operation->ended;
    uint64_t lifetime_ns =
        operation->at_ns > block->born_ns ? operation->at_ns - block->born_ns : 0;
    unsigned lifetime_class = 63u - (unsigned)__builtin_clzll(lifetime_ns | 1);
    pass_time(group, operation->at_ns);
    group->free_count++;
    group->remote_free_count += operation->thread_id != block->thread_id;
    group->resized_count += operation->kind == OPERATION_REALLOC;
    group->live_count--;
    group->live_bytes -= block->size_bytes;
    group->live_usable_bytes -= block->usable_bytes;
    group->lifetime_sum_ns += lifetime_ns;
    group->lifetimes[lifetime_class < POOLING_LIFETIMES ? lifetime_class : POOLING_LIFETIMES - 1]++;
}

static int observe_one(struct pooling_state *state, const struct operation *operation,
                       const struct block_facts *block,
                       void (*change)(struct pool_group *group, const struct operation *operation))
{
    struct pool_group *group = NULL;
    if (block->size_bytes > POOLING_SIZE_MAX) {
        state->pooling.large_count += change == bear;
        return 0;
    }
    int result = find_site(state, block, &group);
    if (result == 0) {
        change(group, operation);
        change(&state->pooling.classes[class_of(block->size_bytes)], operation);
    }
    return result;
}

static int observe(void *context, const struct operation *operation, struct err *err)
{
    struct pooling_state *state = context;
    struct pooling *pooling = &state->pooling;
    int result = 0;
    pooling->started_ns = pooling->started_ns == 0 ? operation->at_ns : pooling->started_ns;
    pooling->ended_ns = operation->at_ns;
    if (!state->is_past_peak && operation->at_ns > state->peak_ns) {
        pass_peak(state);
    }
    if (operation->kind != OPERATION_ALLOC) {
        result = observe_one(state, operation, &operation->ended, bury);
    }
    if (result == 0 && operation->kind != OPERATION_FREE) {
        result = observe_one(state, operation, &operation->made, bear);
    }
    return result == 0 ? 0 : err_set_errno(err, -result, "cannot look for pools");
}

static int finish(void *context, struct err *err)
{
    struct pooling_state *state = context;
    (void)err;
    if (!state->is_past_peak) {
        pass_peak(state);
    }
    for (size_t i = 0; i < state->pooling.site_count; i++) {
        pass_time(&state->pooling.sites[i], state->pooling.ended_ns);
    }
    for (size_t i = 0; i < POOLING_CLASSES; i++) {
        pass_time(&state->pooling.classes[i], state->pooling.ended_ns);
    }
    return 0;
}

static void destroy(void *context)
{
    struct pooling_state *state = context;
    if (state != NULL) {
        free(state->pooling.sites);
        map_fini(&state->site_places);
        free(state);
    }
}

const struct analysis pooling_analysis = {create, observe, finish, destroy};

const struct pooling *pooling_of(const void *state)
{
    return &((const struct pooling_state *)state)->pooling;
}

uint64_t pool_group_lifetime_ns(const struct pool_group *group, double share)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < POOLING_LIFETIMES && group->free_count > 0; i++) {
        seen += group->lifetimes[i];
        if ((double)seen >= share * (double)group->free_count) {
            return UINT64_C(2) << i;
        }
    }
    return 0;
}

double pool_group_turnover(const struct pool_group *group)
{
    return group->live_count_max == 0
               ? 0
               : (double)group->allocation_count / (double)group->live_count_max;
}

double pool_group_mean_live(const struct pooling *pooling, const struct pool_group *group)
{
    uint64_t duration_ns = pooling->ended_ns - pooling->started_ns;
    return duration_ns == 0 ? (double)group->live_count_max
                            : group->live_count_ns / (double)duration_ns;
}
