/*
 * route_thread.h - what each thread has of the router: a heap in every policy, and its look at
 * stacks.
 *
 * Lies in the policies' own memory, and serves another thread once this one is gone.
 */
#ifndef ALLOCAUDIT_ROUTE_THREAD_H
#define ALLOCAUDIT_ROUTE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "hooks.h"
#include "plan_site.h"
#include "policy/policy.h"

#define ROUTE_HIDDEN __attribute__((visibility("hidden")))

/* What all threads share. */
struct route_shared {
    struct backing backing;
    struct policy *policies[PLAN_RULES_MAX]; /* one, or one for each rule of the plan */
    uint32_t policy_count;                   /* 0: nothing is routed */
    bool asks_sites;                         /* some rule asks for stacks or threads */
    struct plan_map plan;                    /* empty for `--policy` */
};

struct route_thread {
    struct policy_heap *heaps[PLAN_RULES_MAX]; /* by policy; the first is always there unless there
                                                  is a plan, others come with their first block */
    struct plan_site *site;                    /* NULL: not asked for, or no memory */
    struct route_thread *next;                 /* all there are */
    uint32_t tid;
    bool is_ending; /* its destructors may still free blocks */
};

extern ROUTE_HIDDEN struct route_shared route_shared;
extern ROUTE_HIDDEN __thread struct route_thread *route_thread_of_self
    __attribute__((tls_model("initial-exec")));

/*
 * The gate of its heap where all is served by one pool. NULL before it has one, and when it has
 * ended.
 */
extern ROUTE_HIDDEN __thread struct policy_heap *route_gate_of_self
    __attribute__((tls_model("initial-exec")));

/* Prepares for threads' ends and for fork. Once, when the policies are there. */
void route_thread_init(void);

/* The rest of the two functions below. */
struct route_thread *route_thread_open(void);
struct policy_heap *route_thread_open_heap(struct route_thread *thread, uint32_t policy);

/* The calling thread's, or NULL: no memory, or a signal handler that interrupted its making. */
static inline struct route_thread *route_thread_get(void)
{
    struct route_thread *thread = route_thread_of_self;
    return __builtin_expect(thread != NULL, 1) ? thread : route_thread_open();
}

static inline struct policy_heap *route_thread_heap(struct route_thread *thread, uint32_t policy)
{
    struct policy_heap *heap = thread->heaps[policy];
    return __builtin_expect(heap != NULL, 1) ? heap : route_thread_open_heap(thread, policy);
}

/* Calls in signal handlers that interrupted a look at a stack, of all threads. */
uint64_t route_thread_busy_count(void);

#endif
