/*
 * lifecycle.c - the library's start and end. Nothing has to be flushed at the end, since the lanes
 * are readable at every moment; what policies have counted is told then, and the collector may look
 * at the memory that is about to go.
 */
#include "emit_notes.h"
#include "introspect.h"
#include "leak_wait.h"
#include "real.h"
#include "route.h"
#include "route_tell.h"
#include "sanitizer.h"
#include "self.h"
#include "unwind.h"

static __attribute__((constructor)) void lifecycle_start(void)
{
    real_init();
    sanitizer_begin();
    /* Attach even if nothing is ever allocated, so that an empty recording can be told from none.
     */
    struct self *self = self_enter(__builtin_frame_address(0));
    if (self == NULL) {
        return;
    }
    struct self_own own = self_own_begin(self);
    if (process->unwind == RING_UNWIND_LIBUNWIND || process->unwind == RING_UNWIND_CHECK) {
        unwind_init();
    }
    introspect_begin(process->ring->introspect_ns);
    route_tell_begin();
    self_own_end(self, own);
    self_leave(self);
}

static void lifecycle_count(const char *name, uint64_t value)
{
    emit_counter(name, value, __builtin_frame_address(0));
}

static __attribute__((destructor)) void lifecycle_end(void)
{
    route_count(lifecycle_count);
    leak_wait();
    sanitizer_before_leak_check();
}
