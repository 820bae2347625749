/*
 * unwind.h - return addresses of the calling thread's stack.
 */
#ifndef ALLOCAUDIT_UNWIND_H
#define ALLOCAUDIT_UNWIND_H

#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"

struct self;

/*
 * Prepares `--unwind libunwind`, the reference: loads it privately, since its exports must not take
 * over the program's own unwinder. Allocates, so it is called once, from the library's constructor.
 * Not done otherwise: libunwind keeps a pipe open in the program and writes to it to test
 * addresses.
 */
void unwind_init(void);

/*
 * Fills frames[0..capacity) with return addresses, starting with the caller of the hook whose frame
 * address is `frame`, and returns how many. At least 1. Leaves errno alone. *out_ending is set to
 * STACK_IS_LOST where the walk ended in code that nothing describes.
 */
size_t unwind_frames(struct self *self, uintptr_t *frames, size_t capacity, const void *frame,
                     enum stack_ending *out_ending);

#endif
