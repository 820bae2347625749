#include "map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_FIRST = 64,
};

static struct map_slot *map_find(const struct map *map, uint64_t key)
{
    size_t at = map_mix(key) & (map->slot_count - 1);
    while (map->slots[at].is_used && map->slots[at].key != key) {
        at = (at + 1) & (map->slot_count - 1);
    }
    return &map->slots[at];
}

bool map_get(const struct map *map, uint64_t key, uint32_t *out_value)
{
    if (map->slot_count == 0) {
        return false;
    }
    const struct map_slot *slot = map_find(map, key);
    if (!slot->is_used) {
        return false;
    }
    *out_value = slot->value;
    return true;
}

static int map_grow(struct map *map)
{
    size_t slot_count = map->slot_count == 0 ? SLOTS_FIRST : map->slot_count * 2;
    struct map_slot *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    struct map grown = {.slots = slots, .slot_count = slot_count, .used_count = map->used_count};
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].is_used) {
            *map_find(&grown, map->slots[i].key) = map->slots[i];
        }
    }
    free(map->slots);
    *map = grown;
    return 0;
}

int map_put(struct map *map, uint64_t key, uint32_t value)
{
    if (map->used_count * 3 >= map->slot_count * 2) {
        int r = map_grow(map);
        if (r < 0) {
            return r;
        }
    }
    struct map_slot *slot = map_find(map, key);
    map->used_count += !slot->is_used;
    *slot = (struct map_slot){.key = key, .value = value, .is_used = 1};
    return 0;
}

void map_clear(struct map *map)
{
    if (map->slots != NULL) {
        memset(map->slots, 0, map->slot_count * sizeof(*map->slots));
    }
    map->used_count = 0;
}

void map_fini(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}
