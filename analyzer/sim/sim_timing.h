/*
 * sim_timing.h - how long a policy's own code takes for the calls that were recorded.
 *
 * The calls are played again in batches, with nothing between them but finding the blocks, and each
 * batch is timed as a whole, by the processor time of this thread. The program's use of the
 * blocks is not in it, nor that threads wait for each other. Single thread.
 */
#ifndef ALLOCAUDIT_SIM_TIMING_H
#define ALLOCAUDIT_SIM_TIMING_H

#include <stdint.h>

#include "../../interposer/policy/policy.h"
#include "../base/err.h"
#include "../model/trace.h"
#include "sim_heaps.h"

struct sim_timing {
    uint64_t call_count; /* that the policy had to do with */
    double call_ns;      /* of one of them, on average; not a number if they are too few to tell */
};

/* Returns 0 and *out_timing, or a negative errno as simulation_run(). */
int sim_timing_measure(const struct trace *trace, uint32_t process_id,
                       const struct sim_choice *choice, struct sim_timing *out_timing,
                       struct err *err);

#endif
