/*
 * introspect.h - now and then, what the allocator beneath says of itself (`run --introspect`).
 *
 * It is asked on a thread of the program, right after a call to the allocator has returned and been
 * recorded, so nothing of ours is held and the allocator is at rest in this thread. Asking takes
 * the allocator's locks; so it is not done
 * - in a signal handler, which may have interrupted the allocator with a lock held: the call's
 * stack must be one that was seen before, and those never lead through a signal's frame;
 * - where a handler could come in between: signals wait meanwhile;
 * - often: pauses are a hundred times as long as asking took, and after 20 ms in one go it ends.
 */
#ifndef ALLOCAUDIT_INTROSPECT_H
#define ALLOCAUDIT_INTROSPECT_H

#include <stdbool.h>
#include <stdint.h>

/* False nearly always: then it costs a load and a jump in each call that is timed. */
extern __attribute__((visibility("hidden"))) bool introspect_is_on;

/* Looks what can be asked. Once, from the library's constructor. period_ns 0: nothing is. */
void introspect_begin(uint64_t period_ns);

/* Asks if it is time. `frame` is the hook's __builtin_frame_address(0). Leaves errno as it was. */
void introspect_look(const void *frame);

#endif
