/*
 * trial_report.h - prints what came out of a trial: a table for each metric, the verdicts, who was
 * left out, and the lines to paste.
 */
#ifndef ALLOCAUDIT_TRIAL_REPORT_H
#define ALLOCAUDIT_TRIAL_REPORT_H

#include "../base/err.h"
#include "../cli/out.h"
#include "../trial/candidate.h"
#include "../trial/trial.h"

struct trial_report {
    const struct trial *trial; /* with at least one whole round */
    const struct candidates *candidates;
    double threshold_pct;
    struct out *out;
};

/* Prints the document but for its end. Returns 0 or -ENOMEM. */
int trial_report_print(const struct trial_report *report, struct err *err);

#endif
