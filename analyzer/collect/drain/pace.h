/*
 * pace.h - whether the collector gets the processor time that it could use.
 *
 * Threads of the program that are ready to run may leave it little. A larger ring then only moves
 * the work to after the program's end, when a processor lies idle: it is better that they wait for
 * chunks, and the collector runs beside those that need not. Where it has a processor and is slower
 * all the same, a larger ring takes up a burst.
 */
#ifndef ALLOCAUDIT_PACE_H
#define ALLOCAUDIT_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t since_ns;     /* when it last had nothing to do, or was last asked */
    uint64_t since_cpu_ns; /* of the calling thread then */
};

/* There is nothing to do at the moment. */
void pace_begin(struct pace *pace);

/* True if this thread got most of a processor since; false also where that is too short ago. */
bool pace_has_processor(struct pace *pace);

#endif
