/*
 * leak_scan.h - classifies the live blocks of a process that stands still.
 */
#ifndef ALLOCAUDIT_LEAK_SCAN_H
#define ALLOCAUDIT_LEAK_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "leak_marks.h"
#include "leak_threads.h"
#include "subject.h"
#include "target_memory.h"

struct leak_scan_settings {
    uint32_t pid;
    uint32_t waiting_tid;
    uint64_t stack_address; /* of that thread */
    uint64_t deadline_ns;   /* CLOCK_MONOTONIC */
    bool is_routed;         /* a policy or plan serves some of the blocks */
};

struct leak_scan {
    struct subject *subject;
    struct leak_scan_settings settings;
    enum leak_outcome outcome; /* of looking */
    struct target_memory memory;
    struct leak_block *blocks; /* by address */
    struct leak_marks marks;
    struct leak_threads threads;
};

/* Looks at the process's memory; after that it may run on, or end. leak_scan_finish() is due. */
void leak_scan_look(struct leak_scan *scan, struct subject *subject,
                    const struct leak_scan_settings *settings);

/*
 * Tells the kinds by what was seen. Sets leak_kind of the subject's live blocks, which must be as
 * they were; leaves them alone unless the outcome is LEAK_OUTCOME_DONE or LEAK_OUTCOME_PARTLY.
 */
enum leak_outcome leak_scan_finish(struct leak_scan *scan, uint64_t deadline_ns);

#endif
