/*
 * entry_figures.h - what a program allocates per entry of a scope and per frame, for the limits of
 * a budget.
 *
 * Of several processes, and of scopes or series of frames that one pattern fits, the largest
 * counts. Frames of the warm-up (analyses/warmup.h) do not. Limits of kinds of leaks are about the
 * blocks of an entry that were left at the end of the process; others about those that outlived the
 * entry. Single thread.
 */
#ifndef ALLOCAUDIT_ENTRY_FIGURES_H
#define ALLOCAUDIT_ENTRY_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "../analyses/analysis.h"
#include "../base/map.h"
#include "../model/stacks.h"
#include "../model/suppressions.h"
#include "../model/trace.h"
#include "budget.h"

struct scopes; /* analyses/scopes.h */

/* Both analyses of one process. */
struct entry_process {
    struct analysis_run runs[2];
};

struct entry_figures {
    struct entry_process *processes;
    size_t count;
    struct map suppressed_stacks; /* as keys: their leaks do not count */
};

/* What is asked. */
struct entry_request {
    const struct trace *trace;
    uint32_t process_id; /* 0: all */
    struct stacks *stacks;
    const struct suppressions *suppressions; /* NULL: none */
    const struct map *ignored_stacks;        /* as keys; NULL: none */
};

/* What was found for one limit. */
struct entry_finding {
    uint64_t measured;
    size_t matched_count;      /* scopes or series of frames that the pattern fits */
    uint32_t largest_stack_id; /* the site that allocates most in the largest; 0: none */
    uint64_t largest;          /* its allocations or bytes, in all entries */
};

/* Reads the calls. Returns 0 and *out_figures is to be ended with entry_figures_fini(); -ENODATA
 * where not every call was recorded; or another negative errno. */
int entry_figures_make(const struct entry_request *request, struct entry_figures *out_figures,
                       struct err *err);

/* The limit must be of a scope or of frames. */
void entry_figures_find(const struct entry_figures *figures, const struct budget_limit *limit,
                        struct entry_finding *out_finding);

/* The scopes of one of its processes. */
const struct scopes *entry_figures_scopes(const struct entry_figures *figures, size_t place);

/* A zeroed one is fine. */
void entry_figures_fini(struct entry_figures *figures);

#endif
