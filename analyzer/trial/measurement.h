/*
 * measurement.h - what one run of a command took, with all processes that it started.
 *
 * Figures are the kernel's own. Times, faults and switches are sums over all processes that were
 * waited for; a process whose parent ignores SIGCHLD is lost. The peak is that of the largest
 * process, not of all together.
 */
#ifndef ALLOCAUDIT_MEASUREMENT_H
#define ALLOCAUDIT_MEASUREMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/str.h"
#include "captured.h"

enum measurement_end {
    MEASUREMENT_EXITED,
    MEASUREMENT_SIGNALLED,
    MEASUREMENT_TIMED_OUT, /* and was killed */
};

struct measurement {
    enum measurement_end end;
    int exit_status;  /* of the command itself, if it exited */
    int exit_signal;  /* if it was signalled */
    uint64_t wall_ns; /* from its start to its own end */
    uint64_t user_ns;
    uint64_t system_ns;
    uint64_t peak_rss_bytes;
    uint64_t minor_fault_count;
    uint64_t major_fault_count;
    uint64_t voluntary_switch_count;
    uint64_t involuntary_switch_count;
};

/* What candidates are compared by. Less is better in all of them. */
enum metric {
    METRIC_WALL,
    METRIC_CPU, /* user and system */
    METRIC_PEAK_RSS,
    METRIC_FAULTS, /* minor and major */
    METRIC_SWITCHES,
    METRIC_COUNT,
};

/* In ns, bytes or as a number. */
double measurement_value(const struct measurement *measurement, enum metric metric);

/* True if the command ended by itself and with that status. */
bool measurement_is_good(const struct measurement *measurement, int wanted_status);

/* Appends how the command ended, with the last line of its stderr: "ended by signal 11
 * (Segmentation fault)", "ended with status 1: 'no such file'". Returns 0 or -ENOMEM. */
int measurement_append_end(const struct measurement *measurement, const struct captured *errors,
                           struct str *text);

#endif
