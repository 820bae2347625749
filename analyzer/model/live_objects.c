#include "live_objects.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/map.h"

enum {
    PLACES_FIRST = 1024,
};

static size_t home_of(const struct live_objects *objects, uint64_t id)
{
    return (size_t)map_mix(id) & (objects->place_count - 1);
}

static void put(struct live_objects *objects, const struct live_object *object)
{
    size_t at = home_of(objects, object->id);
    while (objects->places[at].id != 0) {
        at = (at + 1) & (objects->place_count - 1);
    }
    objects->places[at] = *object;
}

static int grow(struct live_objects *objects)
{
    struct live_objects larger = {
        .place_count = objects->place_count == 0 ? PLACES_FIRST : objects->place_count * 2,
        .used_count = objects->used_count,
    };
    larger.places = calloc(larger.place_count, sizeof(*larger.places));
    if (larger.places == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < objects->place_count; i++) {
        if (objects->places[i].id != 0) {
            put(&larger, &objects->places[i]);
        }
    }
    free(objects->places);
    *objects = larger;
    return 0;
}

int live_objects_add(struct live_objects *objects, const struct live_object *object)
{
    if ((objects->used_count + 1) * 2 > objects->place_count && grow(objects) < 0) {
        return -ENOMEM;
    }
    put(objects, object);
    objects->used_count++;
    return 0;
}

/* Moves what stands behind the gap and may stand before it. */
static void close_gap(struct live_objects *objects, size_t gap)
{
    size_t mask = objects->place_count - 1;
    for (size_t at = (gap + 1) & mask; objects->places[at].id != 0; at = (at + 1) & mask) {
        size_t home = home_of(objects, objects->places[at].id);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            objects->places[gap] = objects->places[at];
            gap = at;
        }
    }
    objects->places[gap].id = 0;
}

struct live_object *live_objects_find(const struct live_objects *objects, uint64_t id)
{
    if (objects->place_count == 0) {
        return NULL;
    }
    size_t at = home_of(objects, id);
    while (objects->places[at].id != id) {
        if (objects->places[at].id == 0) {
            return NULL;
        }
        at = (at + 1) & (objects->place_count - 1);
    }
    return &objects->places[at];
}

int live_objects_remove(struct live_objects *objects, uint64_t id, struct live_object *out_object)
{
    const struct live_object *found = live_objects_find(objects, id);
    if (found == NULL) {
        return -ENOENT;
    }
    *out_object = *found;
    close_gap(objects, (size_t)(found - objects->places));
    objects->used_count--;
    return 0;
}

void live_objects_fini(struct live_objects *objects)
{
    free(objects->places);
    *objects = (struct live_objects){0};
}
