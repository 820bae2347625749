/*
 * pair_calibration.h - measures what a pair of an allocation and a free costs on this machine, and
 * what blocks take of memory, on each allocator that is installed: fresh processes of
 * allocaudit-replay, in about a second. Single thread.
 */
#ifndef ALLOCAUDIT_PAIR_CALIBRATION_H
#define ALLOCAUDIT_PAIR_CALIBRATION_H

#include "../base/err.h"
#include "../model/pair_costs.h"

/* Called before each run. */
typedef void pair_calibration_watcher(void *context, uint64_t done_count, uint64_t total_count);

/*
 * in_use: what served the recorded program, as process.allocator has it. It is measured, too, if it
 * lies on this machine and is none of the known ones. Allocators that are not installed, or do not
 * run, have no row. watcher: NULL is fine. Returns 0 and *out_costs, or a negative errno if
 * allocaudit-replay cannot run.
 */
int pair_calibration_measure(const char *in_use, pair_calibration_watcher *watcher, void *context,
                             struct pair_costs *out_costs, struct err *err);

#endif
