/*
 * unwind.h - return addresses of the calling thread's stack.
 */
#ifndef ALLOCAUDIT_UNWIND_H
#define ALLOCAUDIT_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/event.h"

struct self;

enum {
    UNWIND_OWN_FRAMES = 12, /* of ours, between the hook and another unwinder */
};

/*
 * Prepares `--unwind libunwind` and the self-check, which need the reference: loads it privately,
 * since its exports must not take over the program's own unwinder. Allocates, so it is called once,
 * from the library's constructor. Not done otherwise: libunwind keeps a pipe open in the program
 * and writes to it to test addresses.
 */
void unwind_init(void);

/*
 * The stack as libunwind sees it, from the return address `caller` outward; 0 if it is not there,
 * or does not find that address. frames has room for capacity + UNWIND_OWN_FRAMES.
 */
size_t unwind_by_libunwind(struct self *self, uintptr_t *frames, size_t capacity, uintptr_t caller);

/* The same as glibc's backtrace() sees it, that is libgcc: slow, and by unwind data alone. */
size_t unwind_by_libgcc(struct self *self, uintptr_t *frames, size_t capacity, uintptr_t caller);

bool unwind_has_libunwind(void);

/* What libunwind remembers about code addresses is no longer true. */
void unwind_forget(void);

/*
 * Fills frames[0..capacity) with return addresses, starting with the caller of the hook whose frame
 * address is `frame`, and returns how many. At least 1. Leaves errno alone. *out_ending is set to
 * STACK_IS_LOST where the walk ended in code that nothing describes.
 */
size_t unwind_frames(struct self *self, uintptr_t *frames, size_t capacity, const void *frame,
                     enum stack_ending *out_ending);

#endif
