/*
 * live_objects.h - the blocks that live at a moment of a simulation or an analysis, by the number
 * of the object.
 *
 * A hash table with linear probing; removing closes the gap, so its cost follows what lives, not
 * what ever lived. Single thread.
 */
#ifndef ALLOCAUDIT_LIVE_OBJECTS_H
#define ALLOCAUDIT_LIVE_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

struct live_object {
    uint64_t id; /* 0: an empty place */
    union {
        struct {         /* of a simulation */
            void *block; /* NULL: the next allocator has it */
            uint64_t size_bytes;
            uint64_t block_bytes; /* what the policy set aside */
        };
        uint64_t values[3]; /* of an analysis: what it will want to know of the block */
    };
};

struct live_objects {
    struct live_object *places;
    size_t place_count; /* a power of two, or 0 */
    size_t used_count;
};

/* Adds an object that is not there. Returns 0 or -ENOMEM. */
int live_objects_add(struct live_objects *objects, const struct live_object *object);

/* The object, until the next change; NULL: it is not there. */
struct live_object *live_objects_find(const struct live_objects *objects, uint64_t id);

/* Takes it out. Returns 0 and *out_object, or -ENOENT. */
int live_objects_remove(struct live_objects *objects, uint64_t id, struct live_object *out_object);

void live_objects_fini(struct live_objects *objects);

#endif
