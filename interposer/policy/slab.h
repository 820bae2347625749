/*
 * slab.h - slabs of equal objects that all threads share, as the Linux kernel's SLUB has them.
 *
 *   class 48 bytes
 *     thread A ──▶ active slab   |x|x|.|x|.|.|     taken from by A alone, without a lock
 *     thread B ──▶ active slab   |x|.|.|.|.|.|
 *     partial list               |x|.|x|x|x|x|  |.|x|x|.|.|x|  ...   under the class's lock
 *     (full slabs stand in no list)
 *
 * How large a slab is follows from the object: the fewest pages that hold objects_min of them and
 * waste a sixteenth at most, else an eighth, else a quarter; then with fewer objects. An empty slab
 * goes back to the system when the class has partial_min partial ones.
 *
 * Wins on memory where many threads each use a little of a size. Loses on time where blocks are
 * freed by other threads than their makers, or later: that takes the lock.
 */
#ifndef ALLOCAUDIT_POLICY_SLAB_H
#define ALLOCAUDIT_POLICY_SLAB_H

#include "policy.h"
#include "size_classes.h"
#include "slots.h"

/* Those of settings.partial_order. */
enum slab_order {
    SLAB_FULLEST_FIRST,
    SLAB_OLDEST_FIRST,
    SLAB_LOWEST_FIRST,
};

struct slab_class {
    struct policy_lock lock;
    uint32_t slot_bytes;
    uint32_t slab_bytes;
    uint32_t partial_count;
    struct policy_chunk partial; /* the head of the list; the oldest is last */
};

struct slab {
    struct policy policy;
    struct size_classes classes;
    struct slab_class shared[SIZE_CLASSES_MAX];
};

struct slab_heap {
    struct policy_heap heap;
    struct slot_cursor cursors[SIZE_CLASSES_MAX];
};

/* Bytes of a slab for objects of a size: a power of two, a page or more. */
uint32_t slab_bytes_for(uint32_t object_bytes, uint32_t objects_min, uint32_t slab_max_bytes);

#endif
