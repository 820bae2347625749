/*
 * route.h - serves the program by policies instead of the next allocator (`run --policy`,
 * `--plan`).
 *
 * Stands between the hooks and the next allocator: if POLICY_ENV names a policy, or PLAN_ENV a plan
 * with a policy for each of its rules, the functions in `real` become those of the router, and the
 * hooks know nothing of it. What no rule is for, what the policy declines, and blocks that are not
 * its own, go to the next allocator; whose a block is is told by its address.
 *
 * Works with and without a recorder. Any thread; also in signal handlers and across fork.
 */
#ifndef ALLOCAUDIT_ROUTE_H
#define ALLOCAUDIT_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "real.h"

/*
 * Takes over the functions in `found`, which are kept as those of the next allocator, if a policy
 * or a plan is asked for and can be made. Called once, before any of them is used.
 */
void route_begin(struct real *found);

/* A function of the next allocator, or NULL: what real.malloc is where nothing is routed. */
const void *route_next_malloc(void);

/* The program says that a frame has ended. */
void route_end_frame(void);

/* The program has named a thread. */
void route_note_thread_name(void);

/* Memory is being unmapped, perhaps this thread's stack. */
void route_forget_range(const void *start, size_t bytes);

/* Tells `sink` what the policy of this number has counted, under the names below. */
void route_name_counts(uint32_t number, const uint64_t counts[POLICY_COUNTER_COUNT],
                       void (*sink)(const char *name, uint64_t value));

/* Tells `sink` all that was counted so far: "policy.take_count", or "plan.RULE.take_count". */
void route_count(void (*sink)(const char *name, uint64_t value));

#endif
