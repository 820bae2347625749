/*
 * simulation.h - plays a recorded process's calls against a policy, and says what it would hold.
 *
 * The policy is the very code that `run --policy` puts into a program (interposer/policy/), over
 * addresses without memory. Each recorded thread has its heap, realloc stays in place or moves by
 * the rule of the router, and what the policy declines is the next allocator's. So for a program
 * that makes the same calls each time, the counts are those of the routed run. So it is for the
 * policies of a plan, each of which has its own instance.
 *
 * Single thread.
 */
#ifndef ALLOCAUDIT_SIMULATION_H
#define ALLOCAUDIT_SIMULATION_H

#include <stddef.h>
#include <stdint.h>

#include "../../interposer/policy/policy.h"
#include "../base/err.h"
#include "../model/trace.h"
#include "sim_heaps.h"

/*
 * The memory at one moment, of the blocks that the policy served, as parts of a sum:
 * footprint = requested + rounding + holes. Holes are free blocks, and what the policy keeps.
 */
struct simulation_moment {
    uint64_t at_ns;
    uint64_t requested_bytes;
    uint64_t rounding_bytes;
    uint64_t holes_bytes;
    uint64_t footprint_bytes;
    uint64_t declined_bytes; /* live then, with the next allocator: not in the footprint */
};

enum {
    SIMULATION_SLICES = 64,
};

struct simulation_result {
    uint64_t counts[PLAN_RULES_MAX][POLICY_COUNTER_COUNT]; /* by policy */
    size_t policy_count;                                   /* one, or one for each rule */
    uint64_t operation_count; /* calls played: allocations, frees, reallocs */
    uint64_t served_count;    /* allocations that the policy served, reallocs included */
    uint64_t declined_count;
    uint64_t requested_max_bytes;  /* of all blocks, whoever served them */
    struct simulation_moment peak; /* when the footprint was largest */
    struct simulation_moment end;
    struct simulation_moment mean;                      /* over time; at_ns: how long that was */
    struct simulation_moment slices[SIMULATION_SLICES]; /* of equal length: the largest of each */
    size_t slice_count;
};

/*
 * Plays the process. Returns 0 and *out_result, or a negative errno: the recording cannot be read,
 * or there is no memory.
 */
int simulation_run(const struct trace *trace, uint32_t process_id, const struct sim_choice *choice,
                   struct simulation_result *out_result, struct err *err);

#endif
