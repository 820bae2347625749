/*
 * gate_answer.h - what `allocaudit gate` found: its limits, its baseline, and their forms.
 */
#ifndef ALLOCAUDIT_GATE_ANSWER_H
#define ALLOCAUDIT_GATE_ANSWER_H

#include <stdbool.h>

#include "../cli/out.h"
#include "../model/stacks.h"
#include "baseline_change.h"
#include "judgement.h"
#include "verdict.h"

struct gate_answer {
    const char *path;
    const struct trace *trace;
    struct stacks *stacks;
    struct judgement judgement;
    const char *baseline_path; /* NULL: there is none, and no changes */
    struct baseline baseline;
    struct baseline own; /* the recording itself, where nothing else is compared */
    struct baseline_change changes[GATE_METRIC_COUNT];
};

size_t gate_answer_failed_count(const struct gate_answer *answer);
/* Figures that are more, or less, than the baseline's. */
size_t gate_answer_more_count(const struct gate_answer *answer);
size_t gate_answer_better_count(const struct gate_answer *answer);

/* Prints it as tables or JSON. Returns 0 or a negative errno of reading stacks. */
int gate_answer_print(const struct gate_answer *answer, struct out *out, struct err *err);

/* The same as lines, for the forms of verdict.h. *out_verdict is to be ended with verdict_fini().
 */
int gate_answer_lines(const struct gate_answer *answer, struct verdict *out_verdict,
                      struct err *err);

/* Ends what is in it; path and trace are not its own. A zeroed one is fine. */
void gate_answer_fini(struct gate_answer *answer);

#endif
