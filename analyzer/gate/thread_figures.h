/*
 * thread_figures.h - what threads of a name have allocated, freed at once and left, for the limits
 * of a budget. Single thread.
 */
#ifndef ALLOCAUDIT_THREAD_FIGURES_H
#define ALLOCAUDIT_THREAD_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/map.h"
#include "../db/query_thread.h"
#include "../model/selection.h"
#include "../model/stacks.h"
#include "../model/trace.h"
#include "budget.h"

struct thread_figures {
    uint64_t *temporary_counts;      /* by place in trace->threads; NULL: no limit needs them */
    struct thread_site_row *ignored; /* what does not count, by the same place; likewise */
    struct thread_leak_row *leaks;
    size_t leak_count;
    size_t leak_capacity;
};

/* What was found for one limit. */
struct thread_finding {
    uint64_t measured;
    size_t matched_count;      /* threads of such a name; a thread without one goes by "" */
    uint32_t largest_stack_id; /* of leaks: the site that left most; else 0 */
    uint64_t largest;
};

/* Reads what the budget's limits of threads need; leaks that it suppresses, and what is of
 * ignored_stacks (keys), are left out. Returns 0, -ENODATA where the recording does not hold it, or
 * another negative errno; thread_figures_fini() in any case. */
int thread_figures_load(struct thread_figures *figures, const struct trace *trace,
                        struct stacks *stacks, const struct budget *budget,
                        const struct map *ignored_stacks, struct err *err);

/* Of the process, or all for 0; leak_kinds as in the budget (0: all). */
void thread_figures_find(const struct thread_figures *figures, const struct trace *trace,
                         uint32_t process_id, const struct budget_limit *limit, unsigned leak_kinds,
                         struct thread_finding *out_finding);

void thread_figures_fini(struct thread_figures *figures);

#endif
