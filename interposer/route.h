/*
 * route.h - serves the program by a policy instead of the next allocator (`run --policy`).
 *
 * Stands between the hooks and the next allocator: if POLICY_ENV names a policy, the functions
 * in `real` become those of the router, and the hooks know nothing of it. What the policy declines,
 * and blocks that are not its own, go to the next allocator; which of both a block belongs to is
 * told by its address.
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
 * is asked for and can be made. Called once, before any of them is used.
 */
void route_begin(struct real *found);

/* A function of the next allocator, or NULL: what real.malloc is where nothing is routed. */
const void *route_next_malloc(void);

/* The program says that a frame has ended. */
void route_end_frame(void);

/* What was counted so far; false: nothing is routed. */
bool route_count(uint64_t out_counts[POLICY_COUNTER_COUNT]);

#endif
