#include "growth.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../base/histogram.h"
#include "../base/map.h"
#include "../base/vec.h"
#include "../model/live_objects.h"

enum {
    SIZE_CLASS = HISTOGRAM_LINEAR / 4, /* so many classes of a histogram are one of ours */
};

/* A chain while it lives. */
struct chain_so_far {
    uint32_t site;
    uint32_t next_free; /* of a place that is free */
    uint64_t step_count;
    uint64_t copied_bytes;
    uint64_t size_max_bytes;
};

struct growth_state {
    struct growth growth;
    size_t site_capacity;
    struct map site_places;   /* stack -> index */
    struct live_objects live; /* blocks with a realloc behind them. values: place of the chain */
    struct chain_so_far *chains;
    size_t chain_count;
    size_t chain_capacity;
    uint32_t free_chain; /* the first place that is free; UINT32_MAX: none */
};

static int create(const struct trace *trace, uint32_t process_id, void **out_state, struct err *err)
{
    struct growth_state *state = calloc(1, sizeof(*state));
    (void)trace;
    (void)process_id;
    *out_state = state;
    if (state == NULL) {
        return err_set_errno(err, ENOMEM, "cannot follow reallocs");
    }
    state->free_chain = UINT32_MAX;
    return 0;
}

static int find_site(struct growth_state *state, uint32_t stack_id, uint32_t *out_site)
{
    if (map_get(&state->site_places, stack_id, out_site)) {
        return 0;
    }
    struct growth *growth = &state->growth;
    int result = vec_reserve((void **)&growth->sites, &state->site_capacity, growth->site_count + 1,
                             sizeof(*growth->sites));
    *out_site = (uint32_t)growth->site_count;
    result = result == 0 ? map_put(&state->site_places, stack_id, *out_site) : result;
    if (result == 0) {
        growth->sites[growth->site_count++] = (struct growth_site){.stack_id = stack_id};
    }
    return result;
}

static int begin_chain(struct growth_state *state, const struct operation *operation,
                       uint32_t *out_chain)
{
    uint32_t site = 0;
    int result = find_site(state, operation->made.stack_id, &site);
    if (result == 0 && state->free_chain == UINT32_MAX) {
        result = vec_reserve((void **)&state->chains, &state->chain_capacity,
                             state->chain_count + 1, sizeof(*state->chains));
        if (result == 0) {
            state->chains[state->chain_count].next_free = UINT32_MAX;
            state->free_chain = (uint32_t)state->chain_count++;
        }
    }
    if (result == 0) {
        *out_chain = state->free_chain;
        state->free_chain = state->chains[*out_chain].next_free;
        state->chains[*out_chain] =
            (struct chain_so_far){.site = site, .size_max_bytes = operation->ended.size_bytes};
    }
    return result;
}

static void count_step(struct growth_state *state, struct chain_so_far *chain,
                       const struct operation *operation)
{
    struct growth_site *site = &state->growth.sites[chain->site];
    uint64_t from_bytes = operation->ended.size_bytes;
    uint64_t to_bytes = operation->made.size_bytes;
    chain->step_count++;
    site->step_count++;
    if (operation->made.address != operation->ended.address) {
        uint64_t copied_bytes = from_bytes < to_bytes ? from_bytes : to_bytes;
        chain->copied_bytes += copied_bytes;
        site->copied_bytes += copied_bytes;
        site->moved_count++;
    }
    if (to_bytes > from_bytes && from_bytes > 0) {
        site->grown_count++;
        site->factor_log_sum += log((double)to_bytes / (double)from_bytes);
    }
    if (to_bytes > chain->size_max_bytes) {
        chain->size_max_bytes = to_bytes;
    }
}

static int follow(struct growth_state *state, const struct operation *operation)
{
    struct live_object object;
    uint32_t chain = 0;
    int result = 0;
    if (live_objects_remove(&state->live, operation->ended.id, &object) == 0) {
        chain = (uint32_t)object.values[0];
    } else {
        result = begin_chain(state, operation, &chain);
    }
    if (result == 0) {
        count_step(state, &state->chains[chain], operation);
        object = (struct live_object){.id = operation->made.id, .values = {chain}};
        result = live_objects_add(&state->live, &object);
    }
    return result;
}

/* NULL: no memory. */
static struct growth_class *find_class(struct growth_site *site, uint64_t size_bytes)
{
    uint32_t size_class = histogram_class(size_bytes) / SIZE_CLASS;
    for (size_t i = 0; i < site->class_count; i++) {
        if (site->classes[i].size_class == size_class) {
            return &site->classes[i];
        }
    }
    if (vec_reserve((void **)&site->classes, &site->class_capacity, site->class_count + 1,
                    sizeof(*site->classes)) < 0) {
        return NULL;
    }
    struct growth_class *added = &site->classes[site->class_count++];
    *added = (struct growth_class){.size_class = size_class};
    return added;
}

static int end_chain(struct growth_state *state, uint32_t place)
{
    struct chain_so_far *chain = &state->chains[place];
    struct growth_site *site = &state->growth.sites[chain->site];
    struct growth_class *class = find_class(site, chain->size_max_bytes);
    if (class == NULL) {
        return -ENOMEM;
    }
    site->chain_count++;
    site->step_max = chain->step_count > site->step_max ? chain->step_count : site->step_max;
    class->chain_count++;
    class->step_count += chain->step_count;
    class->copied_bytes += chain->copied_bytes;
    class->size_sum_bytes += chain->size_max_bytes;
    if (chain->size_max_bytes > class->size_max_bytes) {
        class->size_max_bytes = chain->size_max_bytes;
    }
    chain->next_free = state->free_chain;
    state->free_chain = place;
    return 0;
}

static int observe(void *context, const struct operation *operation, struct err *err)
{
    struct growth_state *state = context;
    struct live_object object;
    int result = 0;
    if (operation->kind == OPERATION_REALLOC) {
        result = follow(state, operation);
    } else if (operation->kind == OPERATION_FREE &&
               live_objects_remove(&state->live, operation->ended.id, &object) == 0) {
        result = end_chain(state, (uint32_t)object.values[0]);
    }
    return result == 0 ? 0 : err_set_errno(err, -result, "cannot follow reallocs");
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static int compare_classes(const void *left, const void *right)
{
    const struct growth_class *a = left;
    const struct growth_class *b = right;
    return (a->size_class > b->size_class) - (a->size_class < b->size_class);
}

static int compare_sites(const void *left, const void *right)
{
    const struct growth_site *a = left;
    const struct growth_site *b = right;
    if (a->copied_bytes != b->copied_bytes) {
        return a->copied_bytes > b->copied_bytes ? -1 : 1;
    }
    if (a->step_count != b->step_count) {
        return a->step_count > b->step_count ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

static int finish(void *context, struct err *err)
{
    struct growth_state *state = context;
    struct growth *growth = &state->growth;
    int result = 0;
    for (size_t i = 0; i < state->live.place_count && result == 0; i++) {
        const struct live_object *object = &state->live.places[i];
        result = object->id != 0 ? end_chain(state, (uint32_t)object->values[0]) : 0;
    }
    if (result < 0) {
        return err_set_errno(err, -result, "cannot follow reallocs");
    }
    for (size_t i = 0; i < growth->site_count; i++) {
        struct growth_site *site = &growth->sites[i];
        if (site->class_count > 0) {
            qsort(site->classes, site->class_count, sizeof(*site->classes), compare_classes);
        }
        growth->chain_count += site->chain_count;
        growth->step_count += site->step_count;
        growth->moved_count += site->moved_count;
        growth->copied_bytes += site->copied_bytes;
    }
    if (growth->site_count > 0) {
        qsort(growth->sites, growth->site_count, sizeof(*growth->sites), compare_sites);
    }
    return 0;
}

static void destroy(void *context)
{
    struct growth_state *state = context;
    for (size_t i = 0; state != NULL && i < state->growth.site_count; i++) {
        free(state->growth.sites[i].classes);
    }
    if (state != NULL) {
        free(state->growth.sites);
        free(state->chains);
        map_fini(&state->site_places);
        live_objects_fini(&state->live);
        free(state);
    }
}

const struct analysis growth_analysis = {create, observe, finish, destroy};

const struct growth *growth_of(const void *state)
{
    return &((const struct growth_state *)state)->growth;
}

double growth_factor(const struct growth_site *site)
{
    return site->grown_count == 0 ? 0 : exp(site->factor_log_sum / (double)site->grown_count);
}

struct growth_reserve growth_reserve(const struct growth_site *site, double share)
{
    struct growth_reserve reserve = {0};
    double used_bytes = 0;
    for (size_t i = 0; i < site->class_count; i++) {
        const struct growth_class *class = &site->classes[i];
        if ((double)reserve.spared_chain_count >= share * (double)site->chain_count) {
            break;
        }
        reserve.reserve_bytes = class->size_max_bytes;
        reserve.spared_chain_count += class->chain_count;
        reserve.spared_step_count += class->step_count;
        reserve.spared_copied_bytes += class->copied_bytes;
        used_bytes += (double)class->size_sum_bytes;
    }
    if (reserve.spared_chain_count > 0) {
        reserve.idle_bytes =
            (double)reserve.reserve_bytes - used_bytes / (double)reserve.spared_chain_count;
    }
    return reserve;
}
