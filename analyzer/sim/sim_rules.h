/*
 * sim_rules.h - which policy a recorded call is for: by the names that the recording has of its
 * stack and its thread, where the router in a program looks at addresses.
 *
 * What differs from the program: a function is known by the names in the recording, an address
 * (MODULE+0xOFFSET) only where the recording has no name for it; a thread by the last name it had;
 * and frames within operator new are not recorded. Single thread.
 */
#ifndef ALLOCAUDIT_SIM_RULES_H
#define ALLOCAUDIT_SIM_RULES_H

#include "../base/err.h"
#include "../model/operations.h"
#include "../model/trace.h"
#include "sim_heaps.h"

struct sim_rules; /* opaque */

/* `trace` and `plan` (NULL: the first policy is for all calls) must outlive it. Returns 0 or a
 * negative errno. */
int sim_rules_create(const struct trace *trace, const struct plan *plan,
                     struct sim_rules **out_rules, struct err *err);

/* Of an allocation or a realloc: *out_policy is its number or SIM_NO_POLICY. Returns 0 or a
 * negative errno. */
int sim_rules_choose(struct sim_rules *rules, const struct operation *operation, int *out_policy,
                     struct err *err);

/* NULL is fine. */
void sim_rules_destroy(struct sim_rules *rules);

#endif
