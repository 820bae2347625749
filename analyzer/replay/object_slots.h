/*
 * object_slots.h - which slot each living object has, while a recording is compiled.
 *
 * Slots are numbered from 0 and used again, the one given back last first. A slot that a thread
 * gave back is taken by that thread alone, so that using it again orders no two threads. Memory
 * grows with the objects that live at one time (and with those that are handed from a thread that
 * makes them to one that frees them). Single thread.
 */
#ifndef ALLOCAUDIT_OBJECT_SLOTS_H
#define ALLOCAUDIT_OBJECT_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* What is known of the object in a slot. */
struct slot {
    uint64_t object_id;
    uint64_t size_bytes;
    uint64_t record; /* how many records its thread had made when it was there */
    uint32_t thread; /* that made it, or changed it last */
    uint32_t next_free;
};

struct object_slots {
    struct slot *items;
    size_t count;
    size_t capacity;
    uint32_t *table;   /* slot + 1 by object_id; 0: free */
    size_t table_size; /* a power of two, or 0 */
    size_t living_count;
    uint32_t *free_heads; /* by thread: slot + 1 */
    uint32_t thread_count;
};

/* Returns 0 or -ENOMEM. */
int object_slots_init(struct object_slots *slots, uint32_t thread_count);

/* A slot for a new object of `thread`. Returns 0, -ENOMEM, -EEXIST (the object lives already) or
 * -EOVERFLOW. */
int object_slots_take(struct object_slots *slots, uint64_t object_id, uint32_t thread,
                      uint32_t *out_slot);

/* The slot of a living object. Returns 0 or -ENOENT. */
int object_slots_find(const struct object_slots *slots, uint64_t object_id, uint32_t *out_slot);

/* The object in the slot goes on under another id. Returns 0, or -EEXIST. */
int object_slots_rename(struct object_slots *slots, uint32_t slot, uint64_t object_id);

/* The object is gone; `thread` may use its slot again. */
void object_slots_give(struct object_slots *slots, uint32_t slot, uint32_t thread);

/* A zeroed one is fine. */
void object_slots_fini(struct object_slots *slots);

#endif
