#include "object_slots.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/map.h"
#include "../base/vec.h"

enum {
    TABLE_MIN = 1024,
};

int object_slots_init(struct object_slots *slots, uint32_t thread_count)
{
    *slots = (struct object_slots){.thread_count = thread_count};
    slots->free_heads = calloc((size_t)thread_count + 1, sizeof(*slots->free_heads));
    return slots->free_heads != NULL ? 0 : -ENOMEM;
}

/* Where the object stands in the table, or where it would. */
static size_t place_of(const struct object_slots *slots, uint64_t object_id)
{
    size_t mask = slots->table_size - 1;
    size_t place = (size_t)map_mix(object_id) & mask;
    while (slots->table[place] != 0 &&
           slots->items[slots->table[place] - 1].object_id != object_id) {
        place = (place + 1) & mask;
    }
    return place;
}

/* At most half full. */
static int grow_table(struct object_slots *slots)
{
    if ((slots->living_count + 1) * 2 <= slots->table_size) {
        return 0;
    }
    size_t size = slots->table_size > 0 ? slots->table_size * 2 : TABLE_MIN;
    uint32_t *old = slots->table;
    size_t old_size = slots->table_size;
    uint32_t *table = calloc(size, sizeof(*table));
    if (table == NULL) {
        return -ENOMEM;
    }
    slots->table = table;
    slots->table_size = size;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i] != 0) {
            table[place_of(slots, slots->items[old[i] - 1].object_id)] = old[i];
        }
    }
    free(old);
    return 0;
}

/* Closes the gap, so that every search still ends at the first free place. */
static void unlink_place(struct object_slots *slots, size_t gap)
{
    size_t mask = slots->table_size - 1;
    size_t place = gap;
    slots->table[gap] = 0;
    for (;;) {
        place = (place + 1) & mask;
        if (slots->table[place] == 0) {
            return;
        }
        size_t home = (size_t)map_mix(slots->items[slots->table[place] - 1].object_id) & mask;
        if (((place - home) & mask) >= ((place - gap) & mask)) {
            slots->table[gap] = slots->table[place];
            slots->table[place] = 0;
            gap = place;
        }
    }
}

static int new_slot(struct object_slots *slots, uint32_t *out_slot)
{
    if (slots->count >= UINT32_MAX - 1) {
        return -EOVERFLOW;
    }
    int result = vec_reserve((void **)&slots->items, &slots->capacity, slots->count + 1,
                             sizeof(*slots->items));
    if (result == 0) {
        *out_slot = (uint32_t)slots->count++;
    }
    return result;
}

int object_slots_take(struct object_slots *slots, uint64_t object_id, uint32_t thread,
                      uint32_t *out_slot)
{
    int result = grow_table(slots);
    if (result < 0) {
        return result;
    }
    size_t place = place_of(slots, object_id);
    if (slots->table[place] != 0) {
        return -EEXIST;
    }
    uint32_t slot = slots->free_heads[thread];
    if (slot != 0) {
        slot--;
        slots->free_heads[thread] = slots->items[slot].next_free;
    } else {
        result = new_slot(slots, &slot);
    }
    if (result < 0) {
        return result;
    }
    slots->items[slot] = (struct slot){.object_id = object_id, .thread = thread};
    slots->table[place] = slot + 1;
    slots->living_count++;
    *out_slot = slot;
    return 0;
}

int object_slots_find(const struct object_slots *slots, uint64_t object_id, uint32_t *out_slot)
{
    if (slots->table_size == 0) {
        return -ENOENT;
    }
    uint32_t found = slots->table[place_of(slots, object_id)];
    if (found == 0) {
        return -ENOENT;
    }
    *out_slot = found - 1;
    return 0;
}

int object_slots_rename(struct object_slots *slots, uint32_t slot, uint64_t object_id)
{
    if (slots->table[place_of(slots, object_id)] != 0) {
        return -EEXIST;
    }
    unlink_place(slots, place_of(slots, slots->items[slot].object_id));
    slots->items[slot].object_id = object_id;
    slots->table[place_of(slots, object_id)] = slot + 1;
    return 0;
}

void object_slots_give(struct object_slots *slots, uint32_t slot, uint32_t thread)
{
    unlink_place(slots, place_of(slots, slots->items[slot].object_id));
    slots->living_count--;
    slots->items[slot].next_free = slots->free_heads[thread];
    slots->free_heads[thread] = slot + 1;
}

void object_slots_fini(struct object_slots *slots)
{
    free(slots->items);
    free(slots->table);
    free(slots->free_heads);
    *slots = (struct object_slots){0};
}
