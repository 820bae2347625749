#include "ages.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../base/map.h"
#include "../base/vec.h"
#include "../model/live_objects.h"

struct ages_state {
    struct ages ages;
    size_t site_capacity;
    struct map site_places;    /* stack -> index */
    struct map sizes_of_sites; /* stack and size -> blocks */
    struct map sizes;          /* size -> blocks */
    struct live_objects live;  /* values: the bytes and the allocations before the block */
};

#define SURE_SHARE 0.99

static int create(const struct trace *trace, uint32_t process_id, void **out_state, struct err *err)
{
    (void)trace;
    (void)process_id;
    *out_state = calloc(1, sizeof(struct ages_state));
    return *out_state != NULL ? 0 : err_set_errno(err, ENOMEM, "cannot tell ages");
}

static int find_site(struct ages_state *state, uint32_t stack_id, struct site_ages **out_site)
{
    uint32_t place;
    if (!map_get(&state->site_places, stack_id, &place)) {
        int result = vec_reserve((void **)&state->ages.sites, &state->site_capacity,
                                 state->ages.site_count + 1, sizeof(*state->ages.sites));
        place = (uint32_t)state->ages.site_count;
        result = result == 0 ? map_put(&state->site_places, stack_id, place) : result;
        if (result < 0) {
            return result;
        }
        state->ages.sites[state->ages.site_count++] = (struct site_ages){.stack_id = stack_id};
    }
    *out_site = &state->ages.sites[place];
    return 0;
}

static int count_one(struct map *map, uint64_t key)
{
    uint32_t count = 0;
    (void)map_get(map, key, &count);
    return map_put(map, key, count == UINT32_MAX ? count : count + 1);
}

static int bear(struct ages_state *state, const struct block_facts *block)
{
    struct ages *ages = &state->ages;
    struct site_ages *site = NULL;
    uint64_t size_key = block->size_bytes < UINT32_MAX ? block->size_bytes : UINT32_MAX;
    int result = find_site(state, block->stack_id, &site);
    if (result == 0) {
        result = count_one(&state->sizes_of_sites, (uint64_t)block->stack_id << 32 | size_key);
    }
    if (result == 0) {
        result = count_one(&state->sizes, size_key);
    }
    if (result < 0) {
        return result;
    }
    ages->allocation_count++;
    ages->allocated_bytes += block->size_bytes;
    site->allocation_count++;
    site->allocated_bytes += block->size_bytes;
    const struct live_object object = {
        .id = block->id,
        .values = {ages->allocated_bytes, ages->allocation_count},
    };
    return live_objects_add(&state->live, &object);
}

static unsigned class_of(uint64_t age)
{
    return 63u - (unsigned)__builtin_clzll(age | 1);
}

static int bury(struct ages_state *state, const struct block_facts *block, uint64_t at_ns)
{
    struct ages *ages = &state->ages;
    struct live_object object;
    struct site_ages *site = NULL;
    if (live_objects_remove(&state->live, block->id, &object) < 0) {
        return 0;
    }
    int result = find_site(state, block->stack_id, &site);
    if (result < 0) {
        return result;
    }
    const uint64_t by_clock[AGE_CLOCK_COUNT] = {
        [AGE_NS] = at_ns > block->born_ns ? at_ns - block->born_ns : 0,
        [AGE_BYTES] = ages->allocated_bytes - object.values[0],
        [AGE_ALLOCATIONS] = ages->allocation_count - object.values[1],
    };
    for (unsigned i = 0; i < AGE_CLOCK_COUNT; i++) {
        ages->clocks[i][class_of(by_clock[i])].free_count++;
        ages->clocks[i][class_of(by_clock[i])].freed_bytes += block->size_bytes;
    }
    ages->free_count++;
    ages->freed_bytes += block->size_bytes;
    unsigned site_class = class_of(by_clock[AGE_BYTES]) / 2;
    site->classes[site_class < AGE_SITE_CLASSES - 1 ? site_class : AGE_SITE_CLASSES - 2]++;
    if (by_clock[AGE_BYTES] <= AGE_SHORT_BYTES) {
        ages->short_bytes += block->size_bytes;
        site->short_count++;
        site->short_bytes += block->size_bytes;
    }
    return 0;
}

static int observe(void *context, const struct operation *operation, struct err *err)
{
    int result = 0;
    if (operation->kind != OPERATION_ALLOC) {
        result = bury(context, &operation->ended, operation->at_ns);
    }
    if (result == 0 && operation->kind != OPERATION_FREE) {
        result = bear(context, &operation->made);
    }
    return result == 0 ? 0 : err_set_errno(err, -result, "cannot tell ages");
}

/* ---- the answer --------------------------------------------------------------------------------
 */

uint64_t site_ages_missed_bytes(const struct site_ages *site)
{
    uint64_t long_bytes = site->allocated_bytes - site->short_bytes;
    return site->short_bytes < long_bytes ? site->short_bytes : long_bytes;
}

static int compare_sites(const void *left, const void *right)
{
    const struct site_ages *a = left;
    const struct site_ages *b = right;
    uint64_t a_bytes = site_ages_missed_bytes(a);
    uint64_t b_bytes = site_ages_missed_bytes(b);
    if (a_bytes != b_bytes) {
        return a_bytes > b_bytes ? -1 : 1;
    }
    return (a->stack_id > b->stack_id) - (a->stack_id < b->stack_id);
}

/* n log n: with n_i of N blocks in class i, H = (N log N - sum of n_i log n_i) / N. */
static double weigh(double count)
{
    return count > 0 ? count * log2(count) : 0;
}

static double weigh_map(const struct map *map)
{
    double sum = 0;
    for (size_t i = 0; i < map->slot_count; i++) {
        sum += map->slots[i].is_used ? weigh(map->slots[i].value) : 0;
    }
    return sum;
}

static void work_out_entropies(struct ages_state *state)
{
    struct ages *ages = &state->ages;
    double block_count = (double)ages->allocation_count;
    double classes[AGE_SITE_CLASSES] = {0};
    double sites = 0;
    double classes_of_sites = 0;
    double all_classes = 0;
    for (size_t i = 0; i < ages->site_count; i++) {
        sites += weigh((double)ages->sites[i].allocation_count);
        for (unsigned j = 0; j < AGE_SITE_CLASSES; j++) {
            classes[j] += ages->sites[i].classes[j];
            classes_of_sites += weigh(ages->sites[i].classes[j]);
        }
    }
    for (unsigned j = 0; j < AGE_SITE_CLASSES; j++) {
        all_classes += weigh(classes[j]);
    }
    ages->age_bits = (weigh(block_count) - all_classes) / block_count;
    ages->age_bits_by_site = (sites - classes_of_sites) / block_count;
    ages->size_bits = (weigh(block_count) - weigh_map(&state->sizes)) / block_count;
    ages->size_bits_by_site = (sites - weigh_map(&state->sizes_of_sites)) / block_count;
}

/* What never died is in a class of its own. */
static void count_survivors(struct ages *ages)
{
    for (size_t i = 0; i < ages->site_count; i++) {
        struct site_ages *site = &ages->sites[i];
        uint64_t freed = 0;
        for (unsigned j = 0; j < AGE_SITE_CLASSES; j++) {
            freed += site->classes[j];
        }
        site->classes[AGE_SITE_CLASSES - 1] = (uint32_t)(site->allocation_count - freed);
    }
}

static int finish(void *context, struct err *err)
{
    struct ages_state *state = context;
    struct ages *ages = &state->ages;
    (void)err;
    if (ages->allocation_count == 0) {
        return 0;
    }
    count_survivors(ages);
    work_out_entropies(state);
    double missed_bytes = 0;
    double sure_bytes = 0;
    for (size_t i = 0; i < ages->site_count; i++) {
        const struct site_ages *site = &ages->sites[i];
        double short_share = (double)site->short_count / (double)site->allocation_count;
        missed_bytes += (double)site_ages_missed_bytes(site);
        sure_bytes += short_share >= SURE_SHARE ? (double)site->allocated_bytes : 0;
    }
    if (ages->allocated_bytes > 0) {
        ages->predicted_share = 1 - missed_bytes / (double)ages->allocated_bytes;
        ages->sure_share = sure_bytes / (double)ages->allocated_bytes;
    }
    qsort(ages->sites, ages->site_count, sizeof(*ages->sites), compare_sites);
    return 0;
}

static void destroy(void *context)
{
    struct ages_state *state = context;
    if (state != NULL) {
        free(state->ages.sites);
        map_fini(&state->site_places);
        map_fini(&state->sizes_of_sites);
        map_fini(&state->sizes);
        live_objects_fini(&state->live);
        free(state);
    }
}

const struct analysis ages_analysis = {create, observe, finish, destroy};

const struct ages *ages_of(const void *state)
{
    return &((const struct ages_state *)state)->ages;
}

uint64_t ages_quantile(const struct ages *ages, enum age_clock clock, double share)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < AGE_CLASSES - 1 && ages->free_count > 0; i++) {
        seen += ages->clocks[clock][i].free_count;
        if ((double)seen >= share * (double)ages->free_count) {
            return UINT64_C(2) << i;
        }
    }
    return 0;
}
