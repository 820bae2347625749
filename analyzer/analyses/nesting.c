#include "nesting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/vec.h"
#include "../model/live_objects.h"

/*
 * The live blocks of a thread in the order of birth, with gaps where some have died. `sums` is a
 * Fenwick tree over them ("A New Data Structure for Cumulative Frequency Tables", 1994): how many
 * live before a place, in log n steps. When it is full the gaps are closed, and it doubles if there
 * were few.
 */
struct birth_order {
    uint64_t *ids;  /* 0: a gap */
    uint32_t *sums; /* sums[i], i from 1 on: live blocks in the last (i & -i) places up to i */
    uint32_t count;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t live_count;
    size_t id_capacity; /* room in these two */
    size_t sum_capacity;
};

struct nesting_state {
    struct nesting nesting;
    struct birth_order *orders;
    size_t order_count;
    size_t order_capacity;
    struct map order_of_thread;
    struct live_objects live; /* values: the order, and the place in it */
};

enum {
    ORDER_FIRST = 1024,
};

static int create(const struct trace *trace, uint32_t process_id, void **out_state, struct err *err)
{
    (void)trace;
    (void)process_id;
    *out_state = calloc(1, sizeof(struct nesting_state));
    return *out_state != NULL ? 0 : err_set_errno(err, ENOMEM, "cannot tell the order of frees");
}

static void add_to_sums(struct birth_order *order, uint32_t place, uint32_t change)
{
    for (uint32_t i = place + 1; i <= order->capacity; i += i & -i) {
        order->sums[i] += change;
    }
}

/* Live blocks at places up to and with this one. */
static uint32_t live_up_to(const struct birth_order *order, uint32_t place)
{
    uint32_t sum = 0;
    for (uint32_t i = place + 1; i > 0; i &= i - 1) {
        sum += order->sums[i];
    }
    return sum;
}

static void sum_anew(struct birth_order *order)
{
    memset(order->sums, 0, ((size_t)order->capacity + 1) * sizeof(*order->sums));
    for (uint32_t i = 1; i <= order->capacity; i++) {
        uint32_t parent = i + (i & -i);
        order->sums[i] += i <= order->count;
        if (parent <= order->capacity) {
            order->sums[parent] += order->sums[i];
        }
    }
}

static void close_gaps(struct nesting_state *state, struct birth_order *order)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < order->count; i++) {
        if (order->ids[i] != 0) {
            live_objects_find(&state->live, order->ids[i])->values[1] = kept;
            order->ids[kept++] = order->ids[i];
        }
    }
    order->count = kept;
}

static int make_room(struct nesting_state *state, struct birth_order *order)
{
    close_gaps(state, order);
    if (order->capacity == 0 || order->count > order->capacity / 2) {
        uint32_t capacity = order->capacity == 0 ? ORDER_FIRST : order->capacity * 2;
        int result = capacity == 0 ? -ENOMEM : 0;
        if (result == 0) {
            result = vec_reserve((void **)&order->ids, &order->id_capacity, capacity,
                                 sizeof(*order->ids));
        }
        if (result == 0) {
            result = vec_reserve((void **)&order->sums, &order->sum_capacity, (size_t)capacity + 1,
                                 sizeof(*order->sums));
        }
        if (result < 0) {
            return result;
        }
        order->capacity = capacity;
    }
    sum_anew(order);
    return 0;
}

static int find_order(struct nesting_state *state, uint32_t thread_id, uint32_t *out_place)
{
    if (map_get(&state->order_of_thread, thread_id, out_place)) {
        return 0;
    }
    int result = vec_reserve((void **)&state->orders, &state->order_capacity,
                             state->order_count + 1, sizeof(*state->orders));
    *out_place = (uint32_t)state->order_count;
    result = result == 0 ? map_put(&state->order_of_thread, thread_id, *out_place) : result;
    if (result == 0) {
        state->orders[state->order_count++] = (struct birth_order){0};
    }
    return result;
}

static int bear(struct nesting_state *state, const struct block_facts *block)
{
    uint32_t which = 0;
    int result = find_order(state, block->thread_id, &which);
    if (result < 0) {
        return result;
    }
    struct birth_order *order = &state->orders[which];
    result = order->count == order->capacity ? make_room(state, order) : 0;
    if (result < 0) {
        return result;
    }
    const struct live_object object = {.id = block->id, .values = {which, order->count}};
    result = live_objects_add(&state->live, &object);
    if (result == 0) {
        order->ids[order->count] = block->id;
        add_to_sums(order, order->count, 1);
        order->count++;
        order->live_count++;
    }
    return result;
}

static void count_depth(struct nesting *nesting, uint64_t depth)
{
    unsigned bits = depth == 0 ? 0 : 64u - (unsigned)__builtin_clzll(depth);
    nesting->own_free_count++;
    nesting->depths[bits < NESTING_CLASSES ? bits : NESTING_CLASSES - 1]++;
    nesting->depth_sum += depth;
    nesting->depth_max = depth > nesting->depth_max ? depth : nesting->depth_max;
}

static void bury(struct nesting_state *state, const struct operation *operation)
{
    struct live_object object;
    if (live_objects_remove(&state->live, operation->ended.id, &object) < 0) {
        return;
    }
    struct birth_order *order = &state->orders[object.values[0]];
    uint32_t place = (uint32_t)object.values[1];
    if (operation->kind == OPERATION_FREE && operation->thread_id == operation->ended.thread_id) {
        count_depth(&state->nesting, order->live_count - live_up_to(order, place));
    } else if (operation->kind == OPERATION_FREE) {
        state->nesting.remote_free_count++;
    }
    add_to_sums(order, place, UINT32_MAX);
    order->ids[place] = 0;
    order->live_count--;
    while (order->count > 0 && order->ids[order->count - 1] == 0) {
        order->count--;
    }
}

static int observe(void *context, const struct operation *operation, struct err *err)
{
    int result = 0;
    if (operation->kind != OPERATION_ALLOC) {
        bury(context, operation);
    }
    if (operation->kind != OPERATION_FREE) {
        result = bear(context, &operation->made);
    }
    return result == 0 ? 0 : err_set_errno(err, -result, "cannot tell the order of frees");
}

static void destroy(void *context)
{
    struct nesting_state *state = context;
    for (size_t i = 0; state != NULL && i < state->order_count; i++) {
        free(state->orders[i].ids);
        free(state->orders[i].sums);
    }
    if (state != NULL) {
        free(state->orders);
        map_fini(&state->order_of_thread);
        live_objects_fini(&state->live);
        free(state);
    }
}

const struct analysis nesting_analysis = {create, observe, NULL, destroy};

const struct nesting *nesting_of(const void *state)
{
    return &((const struct nesting_state *)state)->nesting;
}

uint64_t nesting_quantile(const struct nesting *nesting, double share)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < NESTING_CLASSES && nesting->own_free_count > 0; i++) {
        seen += nesting->depths[i];
        if ((double)seen >= share * (double)nesting->own_free_count) {
            uint64_t end = (UINT64_C(1) << i) - 1;
            return end < nesting->depth_max ? end : nesting->depth_max;
        }
    }
    return 0;
}
