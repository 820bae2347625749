/*
 * lifecycle.c - the library's start and end. Nothing has to be flushed at the end, since the lanes
 * are readable at every moment; only what a policy has counted is told then.
 */
#include <string.h>

#include "emit.h"
#include "real.h"
#include "route.h"
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

static __attribute__((destructor)) void lifecycle_end(void)
{
    uint64_t counts[POLICY_COUNTER_COUNT];
    char name[64] = "policy.";
    if (!route_count(counts)) {
        return;
    }
    for (unsigned i = 0; i < POLICY_COUNTER_COUNT; i++) {
        memcpy(name + strlen("policy."), policy_counter_names[i],
               strlen(policy_counter_names[i]) + 1);
        emit_counter(name, counts[i], __builtin_frame_address(0));
    }
}
