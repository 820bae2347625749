/*
 * judgement.h - a recording held against the limits of a budget.
 *
 * Figures are sums over the sites that count: those with a function or module of the `ignore` list
 * in their stack do not. Where nothing is ignored, figures of the run are those of the report. The
 * peak is then that of the run; of a part of the sites it is their share of their process's peak.
 * Single thread.
 */
#ifndef ALLOCAUDIT_JUDGEMENT_H
#define ALLOCAUDIT_JUDGEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../model/selection.h"
#include "../model/sites.h"
#include "../model/stacks.h"
#include "../model/trace.h"
#include "budget.h"

/* How a limit fared. */
struct finding {
    const struct budget_limit *limit;
    uint64_t measured;
    bool is_held;
    size_t matched_count;      /* sites, or threads, that the limit is about */
    char *nearest;             /* where it fits nothing: what may have been meant; NULL: none */
    uint32_t process_id;       /* of a limit of processes: the one that was measured; 0: none */
    uint32_t largest_stack_id; /* the site that counts most; 0: none */
    uint64_t largest;          /* its figure */
    uint64_t site_sum;         /* over all sites that count */
    uint64_t ignored;          /* what ignored sites would add */
    bool is_ignored_known;
};

struct judgement {
    struct finding *findings; /* one per limit, in their order */
    size_t count;
    size_t failed_count;
    struct site_leaks leaks;    /* zeroed where no limit is about leaks */
    const char **idle_patterns; /* names to be ignored that fit nothing */
    size_t idle_count;
};

/*
 * Judges the selection (of a process, or all). Returns 0 and *out_judgement is to be ended with
 * judgement_fini(); -ENODATA where the recording does not hold a figure (err names it); or another
 * negative errno. The budget must outlive it.
 */
int judgement_make(const struct trace *trace, const struct selection *selection,
                   struct stacks *stacks, const struct budget *budget,
                   struct judgement *out_judgement, struct err *err);

/* The verdict as a word: "FAIL" or "PASS". */
const char *finding_verdict(const struct finding *finding);

/* A zeroed one is fine. */
void judgement_fini(struct judgement *judgement);

#endif
