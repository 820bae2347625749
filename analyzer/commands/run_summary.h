/*
 * run_summary.h - what `run` says when it is done.
 */
#ifndef ALLOCAUDIT_RUN_SUMMARY_H
#define ALLOCAUDIT_RUN_SUMMARY_H

#include "../collect/collector.h"
#include "run_policy.h"
#include "run_record.h"

/* What is missing in the recording, and, unless it is to be quiet, its figures and what comes next.
 */
void run_summarize(const struct collector *collector, const struct run_settings *settings,
                   const struct plan *plan);

/* The outcome of the unwind check. False if a stack differed, or none could be compared. */
bool run_tell_check(const struct collector *collector);

#endif
