/*
 * simulate_answer.h - what `allocaudit simulate` was asked, what it found, and how it is printed.
 */
#ifndef ALLOCAUDIT_SIMULATE_ANSWER_H
#define ALLOCAUDIT_SIMULATE_ANSWER_H

#include <stddef.h>

#include "../cli/out.h"
#include "../model/trace.h"
#include "../sim/sim_timing.h"
#include "../sim/simulation.h"

struct simulate_settings {
    const char *input;
    const char *policy;
    const char *plan;
    const char *process;
    struct out_settings out;
};

struct simulate_answer {
    const struct simulate_settings *settings;
    const char *path;
    struct trace *trace;
    const struct process_row *process;
    struct plan plan; /* with --plan; then there is one result */
    struct policy_settings policies[POLICY_KIND_COUNT];
    struct simulation_result results[POLICY_KIND_COUNT];
    struct sim_timing timings[POLICY_KIND_COUNT];
    size_t result_count;
    struct out *out;
};

/* Prints the whole answer. */
void simulate_print(struct simulate_answer *simulate);

#endif
