#include "address_map.h"

#include <errno.h>
#include <stdlib.h>

int address_map_add(struct address_map *map, uint64_t start, uint64_t end, uint64_t value)
{
    if (end <= start) {
        return 0;
    }
    if (map->count == map->capacity) {
        size_t capacity = map->capacity == 0 ? 32 : map->capacity * 2;
        struct address_range *ranges = realloc(map->ranges, capacity * sizeof(*ranges));
        if (ranges == NULL) {
            return -ENOMEM;
        }
        map->ranges = ranges;
        map->capacity = capacity;
    }
    map->ranges[map->count++] = (struct address_range){.start = start, .end = end, .value = value};
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct address_range *a = left;
    const struct address_range *b = right;
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    if (a->end != b->end) {
        return a->end > b->end ? -1 : 1;
    }
    return (a->value > b->value) - (a->value < b->value);
}

void address_map_sort(struct address_map *map)
{
    if (map->count == 0) {
        return;
    }
    qsort(map->ranges, map->count, sizeof(*map->ranges), compare);
    uint64_t end_max = 0;
    for (size_t i = 0; i < map->count; i++) {
        end_max = map->ranges[i].end > end_max ? map->ranges[i].end : end_max;
        map->ranges[i].end_max = end_max;
    }
}

bool address_map_find(const struct address_map *map, uint64_t address, uint64_t *out_value)
{
    size_t low = 0;
    size_t high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (map->ranges[middle].start <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = low; i > 0 && map->ranges[i - 1].end_max > address; i--) {
        if (map->ranges[i - 1].end > address) {
            *out_value = map->ranges[i - 1].value;
            return true;
        }
    }
    return false;
}

void address_map_fini(struct address_map *map)
{
    free(map->ranges);
    *map = (struct address_map){0};
}
