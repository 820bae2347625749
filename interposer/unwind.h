/*
 * unwind.h - return addresses of the calling thread's stack.
 */
#ifndef ALLOCAUDIT_UNWIND_H
#define ALLOCAUDIT_UNWIND_H

#include <stddef.h>
#include <stdint.h>

struct self;

/*
 * Loads libunwind privately: its exports must not take over the program's own unwinder. Allocates, so
 * it is called once, from the library's constructor.
 */
void unwind_init(void);

/*
 * Fills frames[0..capacity) with return addresses, starting with the caller of the hook whose frame
 * address is `frame`, and returns how many. At least 1. Leaves errno alone.
 */
size_t unwind_frames(struct self *self, uintptr_t *frames, size_t capacity, const void *frame);

#endif
