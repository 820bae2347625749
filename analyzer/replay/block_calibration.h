/*
 * block_calibration.h - measures which memory blocks take on an allocator, on this machine: in one
 * fresh process of allocaudit-replay, by how much it grows, in a tenth of a second. Single thread.
 */
#ifndef ALLOCAUDIT_BLOCK_CALIBRATION_H
#define ALLOCAUDIT_BLOCK_CALIBRATION_H

#include "../base/err.h"
#include "../model/block_costs.h"
#include "replay_candidate.h"

/*
 * program: allocaudit-replay. Where it does not run on that allocator, out_costs->is_measured is
 * false.
 */
void block_calibration_measure(const char *program, const struct replay_candidate *candidate,
                               struct block_costs *out_costs);

/* Reads the answer of that process. Returns 0, or -EBADMSG if it is no whole one. */
int block_calibration_read(const char *answer, struct block_costs *out_costs);

#endif
