/*
 * lifecycle.c - the library's start. There is no end: the lanes are readable at every moment, so
 * nothing has to be flushed when the program exits, is killed or turns into another by exec.
 */
#include "real.h"
#include "self.h"
#include "unwind.h"

static __attribute__((constructor)) void lifecycle_start(void)
{
    real_init();
    /* Attach even if nothing is ever allocated, so that an empty recording can be told from none.
     */
    struct self *self = self_enter(__builtin_frame_address(0));
    if (self == NULL) {
        return;
    }
    if (process->unwind == RING_UNWIND_LIBUNWIND || process->unwind == RING_UNWIND_CHECK) {
        self->own_calls++;
        unwind_init();
        self->own_calls--;
    }
    self_leave(self);
}
