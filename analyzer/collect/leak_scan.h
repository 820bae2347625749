/*
 * leak_scan.h - classifies the live blocks of a process that stands still.
 */
#ifndef ALLOCAUDIT_LEAK_SCAN_H
#define ALLOCAUDIT_LEAK_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "subject.h"

struct leak_scan_settings {
    uint32_t pid;
    uint32_t waiting_tid;
    uint64_t stack_address; /* of that thread */
    uint64_t deadline_ns;   /* CLOCK_MONOTONIC */
    bool is_routed;         /* a policy or plan serves some of the blocks */
};

/* Sets leak_kind of the subject's live blocks; leaves them as they are unless the outcome is
 * LEAK_OUTCOME_DONE or LEAK_OUTCOME_PARTLY. */
enum leak_outcome leak_scan(struct subject *subject, const struct leak_scan_settings *settings);

#endif
