#include "route_thread.h"

#include <errno.h>
#include <pthread.h>

#include "sys.h"

struct route_shared route_shared;
__thread struct route_thread *route_thread_of_self __attribute__((tls_model("initial-exec")));
__thread struct policy_heap *route_gate_of_self __attribute__((tls_model("initial-exec")));

static struct route_thread *threads; /* under threads_lock */
static struct policy_lock threads_lock;
static pthread_key_t exit_key = (pthread_key_t)-1;
static __thread bool is_opening __attribute__((tls_model("initial-exec")));

static bool route_has_one_pool(void)
{
    return route_shared.plan.table == NULL &&
           route_shared.policies[0]->settings.kind == POLICY_POOL;
}

/* It ends, or is not there in a forked child: what it has in its own memory goes with it. */
static void route_thread_end(struct route_thread *thread)
{
    if (route_has_one_pool()) {
        policy_heap_move_gate(thread->heaps[0], NULL);
    }
    thread->is_ending = true;
}

static void route_thread_on_exit(void *argument)
{
    route_thread_end(argument);
}

static bool route_thread_is_busy(const struct route_thread *thread)
{
    bool is_busy = thread->site != NULL && thread->site->is_busy;
    for (uint32_t i = 0; i < route_shared.policy_count; i++) {
        is_busy |= thread->heaps[i] != NULL && policy_is_busy(thread->heaps[i]);
    }
    return is_busy;
}

/* One whose thread has ended for good, with its heaps; NULL: there is none. */
static struct route_thread *route_thread_reuse(void)
{
    for (struct route_thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread->is_ending && !route_thread_is_busy(thread) &&
            sys_thread_exists(sys_pid(), thread->tid) == -ESRCH) {
            if (thread->site != NULL) {
                plan_site_restart(thread->site);
            }
            return thread;
        }
    }
    return NULL;
}

static struct route_thread *route_thread_make(void)
{
    struct route_thread *thread = backing_take_note(&route_shared.backing, sizeof(*thread));
    if (thread == NULL) {
        return NULL;
    }
    if (route_shared.plan.table == NULL) {
        thread->heaps[0] = policy_heap_open(route_shared.policies[0]);
        if (thread->heaps[0] == NULL) {
            return NULL;
        }
    }
    thread->site = route_shared.asks_sites ? plan_site_make() : NULL;
    thread->next = threads;
    threads = thread;
    return thread;
}

SLOW struct route_thread *route_thread_open(void)
{
    if (is_opening) {
        return NULL;
    }
    is_opening = true;
    policy_lock(&threads_lock);
    struct route_thread *thread = route_thread_reuse();
    if (thread == NULL) {
        thread = route_thread_make();
    }
    if (thread != NULL) {
        thread->tid = sys_tid();
        thread->is_ending = false;
    }
    policy_unlock(&threads_lock);
    route_thread_of_self = thread;
    /* The first may allocate: served by the next allocator. */
    bool is_end_told = thread != NULL && exit_key != (pthread_key_t)-1 &&
                       pthread_setspecific(exit_key, thread) == 0;
    if (is_end_told && route_has_one_pool()) {
        policy_heap_move_gate(thread->heaps[0], &route_gate_of_self);
    }
    is_opening = false;
    return thread;
}

SLOW struct policy_heap *route_thread_open_heap(struct route_thread *thread, uint32_t policy)
{
    if (is_opening) {
        return NULL;
    }
    is_opening = true;
    thread->heaps[policy] = policy_heap_open(route_shared.policies[policy]);
    is_opening = false;
    return thread->heaps[policy];
}

uint64_t route_thread_busy_count(void)
{
    uint64_t count = 0;
    for (const struct route_thread *thread = threads; thread != NULL; thread = thread->next) {
        count += thread->site != NULL ? thread->site->busy_count : 0;
    }
    return count;
}

/* ---- fork: no lock may be held by a thread that is not there in the child ----------------------
 */

static void route_thread_before_fork(void)
{
    policy_lock(&threads_lock);
    for (uint32_t i = 0; i < route_shared.policy_count; i++) {
        policy_before_fork(route_shared.policies[i]);
    }
    policy_lock(&route_shared.backing.lock);
}

static void route_thread_in_parent(void)
{
    policy_unlock(&route_shared.backing.lock);
    for (uint32_t i = route_shared.policy_count; i-- > 0;) {
        policy_after_fork(route_shared.policies[i]);
    }
    policy_unlock(&threads_lock);
}

static void route_thread_in_child(void)
{
    route_thread_in_parent();
    for (uint32_t i = 0; i < route_shared.policy_count; i++) {
        policy_count_anew(route_shared.policies[i]);
    }
    for (struct route_thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread != route_thread_of_self) {
            route_thread_end(thread);
        }
        if (thread->site != NULL) {
            thread->site->busy_count = 0;
        }
    }
    if (route_thread_of_self != NULL) {
        route_thread_of_self->tid = sys_tid();
    }
}

void route_thread_init(void)
{
    is_opening = true; /* what these two allocate is not to be routed yet */
    pthread_atfork(route_thread_before_fork, route_thread_in_parent, route_thread_in_child);
    if (pthread_key_create(&exit_key, route_thread_on_exit) != 0) {
        exit_key = (pthread_key_t)-1;
    }
    is_opening = false;
}
