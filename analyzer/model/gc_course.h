/*
 * gc_course.h - how a Go program's heap went with what it had allocated, from its collections.
 *
 * What a program allocates, what of it lives, and how fast it allocates beside the collector do not
 * depend on GOGC; when it is collected does. So they are told here by how many bytes had been
 * allocated, and gc_model.h goes that way again with other settings. Single thread.
 */
#ifndef ALLOCAUDIT_GC_COURSE_H
#define ALLOCAUDIT_GC_COURSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gc_history.h"

/* What a recorded collection tells of the program at that point. */
struct gc_point {
    double allocated_bytes; /* until the collection began */
    double live_bytes;      /* reachable when it began: what is allocated while marking counts as
                               live in the trace whatever becomes of it */
    double demand;          /* bytes that it would allocate while a byte of live heap is marked, if
                               marking got a quarter of the processors and no help */
    double idle_share;      /* of the marking: done by processors that had nothing else to do */
    double stop_cpu_ns;     /* of its two stops of the world, of all processors */
    double forced_marking_bytes; /* allocated while marking; of collections that the program or the
                                    clock made */
    bool is_forced;
};

struct gc_course {
    struct gc_point *points;
    size_t count;
    double total_bytes; /* allocated in the whole run: a little more than until the last one */
    /* While marking goes on, in bytes for each live one: room to the goal, and what was allocated.
     */
    double mean_room;
    double mean_marking;
    double fixed_ns; /* a collection's marking takes fixed_ns + per_byte_ns * live bytes */
    double per_byte_ns;
    double spread; /* of the marking's cost about that, as a share of the mean */
};

/* Of a history with one collection or more. Returns 0 or -ENOMEM; to be ended. */
int gc_course_make(const struct gc_history *history, struct gc_course *out_course);

/* For positions that only go up: *place begins at 0. */
struct gc_point gc_course_at(const struct gc_course *course, double allocated_bytes, size_t *place);

/* A zeroed one is fine. */
void gc_course_fini(struct gc_course *course);

#endif
