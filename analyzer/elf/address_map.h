/*
 * address_map.h - which of many address ranges an address lies in. Ranges may overlap: the one that
 * starts last is the innermost and wins. Filled first, then sorted once, then asked.
 */
#ifndef ALLOCAUDIT_ADDRESS_MAP_H
#define ALLOCAUDIT_ADDRESS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_range {
    uint64_t start;
    uint64_t end;     /* the first address behind */
    uint64_t end_max; /* of all ranges up to this one, in order */
    uint64_t value;   /* the caller's */
};

/* All zeros is an empty map. */
struct address_map {
    struct address_range *ranges;
    size_t count;
    size_t capacity;
};

/* Returns 0 (an empty range is ignored) or -ENOMEM. */
int address_map_add(struct address_map *map, uint64_t start, uint64_t end, uint64_t value);

/* By start, then by size (the smaller one is the innermost), then by value. */
void address_map_sort(struct address_map *map);

bool address_map_find(const struct address_map *map, uint64_t address, uint64_t *out_value);

/* Frees what the map holds and empties it. */
void address_map_fini(struct address_map *map);

#endif
