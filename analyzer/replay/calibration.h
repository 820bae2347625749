/*
 * calibration.h - the touch model: which part of each block the program has written to, found by
 * replays on the allocator that it was recorded on.
 *
 * The replays are serial ones, whatever the mode: what a program touches is no matter of threads.
 * Single thread.
 */
#ifndef ALLOCAUDIT_CALIBRATION_H
#define ALLOCAUDIT_CALIBRATION_H

#include "../base/err.h"
#include "../model/trace.h"
#include "rounds.h"
#include "touch_fit.h"

struct calibration {
    struct touch_fit fit;
    uint64_t sample_count; /* slices of the timeline that the recorded resident set is known of */
    double peak_bytes;     /* fit.base_bytes and the heap, replayed with fit.share, at their most */
    double recorded_peak_bytes; /* in the same slices */
    double mean_error_bytes;    /* root of the mean square of the difference over time */
    double recorded_mean_bytes;
};

/*
 * `recorded` is the allocator that the process was recorded on. Returns 0; -ENODATA if too few
 * samples of the resident set are known; or the negative errno of a replay.
 */
int calibration_find(const struct trace *trace, const struct process_row *process,
                     const struct rounds_settings *rounds, const struct replay_candidate *recorded,
                     struct calibration *out_calibration, struct err *err);

#endif
