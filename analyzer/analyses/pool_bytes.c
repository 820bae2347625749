#include "pool_bytes.h"

#include <string.h>

#include "../base/str.h"

enum {
    CHUNK_BYTES = 4096,
    CHUNK_SLOTS_LEAST = 8,
};

/* The sizes of a group, as places of block_costs: from first to last. */
static uint32_t last_place(const struct pool_group *group)
{
    if (group == NULL) {
        return BLOCK_COST_PLACES - 1;
    }
    return block_cost_place(group->stack_id != 0 ? group->size_bytes : group->slot_bytes);
}

static uint32_t first_place(const struct pool_group *group)
{
    uint32_t place = last_place(group);
    if (group == NULL) {
        return 1;
    }
    while (group->stack_id == 0 && place > 1 &&
           pooling_class_bytes((uint64_t)(place - 1) * 8) == group->slot_bytes) {
        place--;
    }
    return place;
}

static double count_at(const struct pooling *pooling, const struct pool_group *group,
                       uint32_t place)
{
    bool is_of_site = group != NULL && group->stack_id != 0;
    return (double)(is_of_site ? group->peak_count : pooling->peak_counts[place]);
}

double pool_bytes_on(const struct pooling *pooling, const struct pool_group *group,
                     const struct block_costs *costs)
{
    double bytes = 0;
    for (uint32_t place = first_place(group); place <= last_place(group); place++) {
        bytes += count_at(pooling, group, place) * (double)costs->growth_bytes[place];
    }
    return bytes;
}

double pool_bytes_recorded(const struct pooling *pooling, const struct pool_group *group,
                           const struct block_costs *costs, uint32_t header_bytes)
{
    double bytes = (double)group->peak_usable_bytes;
    if (costs == NULL || !costs->is_measured) {
        return bytes + (double)group->peak_count * header_bytes;
    }
    for (uint32_t place = first_place(group); place <= last_place(group); place++) {
        double besides_bytes =
            (double)costs->growth_bytes[place] - (double)costs->usable_bytes[place];
        bytes += count_at(pooling, group, place) * besides_bytes;
    }
    return bytes;
}

uint64_t pool_chunks_bytes(uint32_t slot_bytes, uint64_t live_count)
{
    uint64_t chunk_bytes = CHUNK_BYTES;
    while (chunk_bytes / slot_bytes < CHUNK_SLOTS_LEAST) {
        chunk_bytes *= 2;
    }
    uint64_t slot_count = chunk_bytes / slot_bytes;
    return (live_count + slot_count - 1) / slot_count * chunk_bytes;
}

uint32_t pool_header_bytes(const char *allocator)
{
    const char *name = str_base_name(allocator);
    bool is_glibc = strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-", 5) == 0 ||
                    strcmp(name, "glibc") == 0;
    return is_glibc ? 8 : 0;
}
