#include "handoffs.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/vec.h"

/* What one thread gave away, and what it took. */
struct handed {
    uint32_t group;
    int64_t given_count;
};

struct handoffs_state {
    struct handoffs handoffs;
    size_t group_capacity;
    size_t cell_capacity;
    struct map cell_places; /* owner and freer -> index */
    struct handed *threads; /* by place in trace->threads */
    size_t thread_count;
    struct map thread_places; /* id -> place */
};

void handoffs_group_name(const char *name, char out_name[HANDOFF_NAME_BYTES])
{
    if (name == NULL || name[0] == '\0') {
        (void)snprintf(out_name, HANDOFF_NAME_BYTES, "(no name)");
        return;
    }
    size_t length = strlen(name);
    while (length > 0 && isdigit((unsigned char)name[length - 1])) {
        length--;
    }
    bool is_numbered = length > 0 && name[length] != '\0';
    (void)snprintf(out_name, HANDOFF_NAME_BYTES, "%.*s%s",
                   (int)(is_numbered ? length : strlen(name)), name, is_numbered ? "*" : "");
}

static int find_group(struct handoffs_state *state, const char *name, uint32_t *out_group)
{
    struct handoffs *handoffs = &state->handoffs;
    char wanted[HANDOFF_NAME_BYTES];
    handoffs_group_name(name, wanted);
    for (size_t i = 0; i < handoffs->group_count; i++) {
        if (strcmp(handoffs->groups[i].name, wanted) == 0) {
            *out_group = (uint32_t)i;
            return 0;
        }
    }
    int result = vec_reserve((void **)&handoffs->groups, &state->group_capacity,
                             handoffs->group_count + 1, sizeof(*handoffs->groups));
    if (result == 0) {
        struct handoff_group *group = &handoffs->groups[handoffs->group_count];
        *group = (struct handoff_group){0};
        memcpy(group->name, wanted, sizeof(group->name));
        *out_group = (uint32_t)handoffs->group_count++;
    }
    return result;
}

static int add_thread(struct handoffs_state *state, const struct thread_row *thread)
{
    uint32_t group = 0;
    int result = find_group(state, thread->name, &group);
    if (result == 0) {
        result = map_put(&state->thread_places, thread->id, (uint32_t)state->thread_count);
    }
    if (result == 0) {
        state->handoffs.groups[group].thread_count++;
        state->threads[state->thread_count++] = (struct handed){.group = group};
    }
    return result;
}

static int create(const struct trace *trace, uint32_t process_id, void **out_state, struct err *err)
{
    struct handoffs_state *state = calloc(1, sizeof(*state));
    *out_state = state;
    int result = state == NULL ? -ENOMEM : 0;
    if (result == 0) {
        state->threads = calloc(trace->thread_count + 1, sizeof(*state->threads));
        result = state->threads == NULL ? -ENOMEM : 0;
    }
    for (size_t i = 0; i < trace->thread_count && result == 0; i++) {
        if (trace->threads[i].process_id == process_id) {
            result = add_thread(state, &trace->threads[i]);
        }
    }
    return result == 0 ? 0 : err_set_errno(err, -result, "cannot tell who frees");
}

static int find_cell(struct handoffs_state *state, uint32_t owner, uint32_t freer,
                     struct handoff_cell **out_cell)
{
    struct handoffs *handoffs = &state->handoffs;
    uint64_t key = (uint64_t)owner << 32 | freer;
    uint32_t place;
    if (!map_get(&state->cell_places, key, &place)) {
        int result = vec_reserve((void **)&handoffs->cells, &state->cell_capacity,
                                 handoffs->cell_count + 1, sizeof(*handoffs->cells));
        place = (uint32_t)handoffs->cell_count;
        result = result == 0 ? map_put(&state->cell_places, key, place) : result;
        if (result < 0) {
            return result;
        }
        handoffs->cells[handoffs->cell_count++] =
            (struct handoff_cell){.owner = owner, .freer = freer};
    }
    *out_cell = &handoffs->cells[place];
    return 0;
}

static int observe(void *context, const struct operation *operation, struct err *err)
{
    struct handoffs_state *state = context;
    uint32_t owner;
    uint32_t freer;
    struct handoff_cell *cell = NULL;
    if (operation->kind == OPERATION_ALLOC ||
        !map_get(&state->thread_places, operation->ended.thread_id, &owner) ||
        !map_get(&state->thread_places, operation->thread_id, &freer)) {
        return 0;
    }
    int result = find_cell(state, state->threads[owner].group, state->threads[freer].group, &cell);
    if (result < 0) {
        return err_set_errno(err, -result, "cannot tell who frees");
    }
    bool is_remote = owner != freer;
    state->handoffs.free_count++;
    state->handoffs.remote_free_count += is_remote;
    cell->own_count += !is_remote;
    cell->remote_count += is_remote;
    cell->remote_bytes += is_remote ? operation->ended.size_bytes : 0;
    state->threads[owner].given_count += is_remote;
    state->threads[freer].given_count -= is_remote;
    return 0;
}

static int compare_cells(const void *left, const void *right)
{
    const struct handoff_cell *a = left;
    const struct handoff_cell *b = right;
    if (a->remote_count != b->remote_count) {
        return a->remote_count > b->remote_count ? -1 : 1;
    }
    if (a->own_count != b->own_count) {
        return a->own_count > b->own_count ? -1 : 1;
    }
    return a->owner != b->owner ? (a->owner > b->owner) - (a->owner < b->owner)
                                : (a->freer > b->freer) - (a->freer < b->freer);
}

static int finish(void *context, struct err *err)
{
    struct handoffs_state *state = context;
    struct handoffs *handoffs = &state->handoffs;
    uint64_t apart = 0;
    (void)err;
    for (size_t i = 0; i < state->thread_count; i++) {
        apart += (uint64_t)llabs(state->threads[i].given_count);
    }
    handoffs->skew =
        handoffs->free_count == 0 ? 0 : (double)apart / 2 / (double)handoffs->free_count;
    if (handoffs->cell_count > 0) {
        qsort(handoffs->cells, handoffs->cell_count, sizeof(*handoffs->cells), compare_cells);
    }
    return 0;
}

static void destroy(void *context)
{
    struct handoffs_state *state = context;
    if (state != NULL) {
        free(state->handoffs.groups);
        free(state->handoffs.cells);
        free(state->threads);
        map_fini(&state->cell_places);
        map_fini(&state->thread_places);
        free(state);
    }
}

const struct analysis handoffs_analysis = {create, observe, finish, destroy};

const struct handoffs *handoffs_of(const void *state)
{
    return &((const struct handoffs_state *)state)->handoffs;
}
