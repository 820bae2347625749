#include "route_tell.h"

#include <stdatomic.h>

#include "emit_notes.h"
#include "route.h"
#include "route_thread.h"
#include "sys.h"
#include "ticks.h"

#include "banned.h"

enum {
    PERIOD_NS = 100000000,
    PAUSE_COSTS = 100, /* a pause is at least so many times as long as telling took */
};

bool route_tell_is_on;
static _Atomic uint64_t route_tell_next_ns;

void route_tell_begin(void)
{
    route_tell_is_on = route_shared.policy_count != 0;
}

static void route_tell_one(const char *name, uint64_t value)
{
    emit_counter(name, value, __builtin_frame_address(0));
}

/* No chunk is taken or given back meanwhile. Signals are held, as handlers may need the lock. */
static void route_tell_policy(uint32_t number)
{
    uint64_t counts[POLICY_COUNTER_COUNT];
    struct policy_lock *lock = &route_shared.backing.lock;
    if (policy_try_lock(lock)) {
        policy_count(route_shared.policies[number], counts);
        policy_unlock(lock);
        route_name_counts(number, counts, route_tell_one);
    }
}

void route_tell(void)
{
    uint64_t begun_ns = ticks_monotonic();
    uint64_t next_ns = atomic_load_explicit(&route_tell_next_ns, memory_order_relaxed);
    uint64_t mask;
    if (begun_ns < next_ns ||
        !atomic_compare_exchange_strong(&route_tell_next_ns, &next_ns, UINT64_MAX)) {
        return;
    }
    if (sys_hold_signals(&mask) == 0) {
        for (uint32_t i = 0; i < route_shared.policy_count; i++) {
            route_tell_policy(i);
        }
        sys_restore_signals(mask);
    }
    uint64_t ended_ns = ticks_monotonic();
    uint64_t pause_ns = (ended_ns - begun_ns) * PAUSE_COSTS;
    atomic_store(&route_tell_next_ns, ended_ns + (pause_ns > PERIOD_NS ? pause_ns : PERIOD_NS));
}
