/*
 * map.h - a hash map from 64-bit keys to 32-bit values. Zeroed is a valid empty one. Nothing is
 * removed but by map_clear().
 */
#ifndef ALLOCAUDIT_MAP_H
#define ALLOCAUDIT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    uint32_t value;
    uint32_t is_used;
};

struct map {
    struct map_slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t used_count;
};

/* True and *out_value if the key is there. */
bool map_get(const struct map *map, uint64_t key, uint32_t *out_value);

/* Adds the key or replaces its value. Returns 0 or -ENOMEM, and then nothing has changed. */
int map_put(struct map *map, uint64_t key, uint32_t value);

/* Empties it and keeps the memory. */
void map_clear(struct map *map);
void map_fini(struct map *map);

/* Spreads the bits of x over the whole word. */
static inline uint64_t map_mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

#endif
