/*
 * gate_tell.h - a recording that is being judged, and how the verdict is told.
 */
#ifndef ALLOCAUDIT_GATE_TELL_H
#define ALLOCAUDIT_GATE_TELL_H

#include "../gate/gate_answer.h"
#include "../model/selection.h"
#include "../model/trace.h"
#include "gate_page.h"

struct gate {
    const struct gate_settings *settings;
    const struct option_page *page;
    struct budget budget;
    const char *budget_path; /* the file that was read; NULL: none */
    struct selection selection;
    const struct baseline *now; /* NULL: of the recording alone */
    struct trace *trace;
    struct suppressions suppressions;
    struct suppressions baseline_suppressions; /* the same, for both sides of a comparison */
    struct gate_answer answer;
    char *more; /* what to type first to see more; NULL: all holds */
};

/* Prints the verdict in all forms that are asked for. Returns the exit status. */
int gate_tell(struct gate *gate);

#endif
