/*
 * leak_check.h - answers processes that are about to end and ask which blocks can still be reached
 * (struct ring_scan in schema/ring.h).
 */
#ifndef ALLOCAUDIT_LEAK_CHECK_H
#define ALLOCAUDIT_LEAK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "../drain/drain.h"
#include "../recording/leak_outcome.h"

struct leak_check {
    enum leak_when when;
    bool is_routed;      /* a policy or plan serves some of the blocks */
    uint32_t scan_count; /* of the ring, as of the last look at which none was left */
};

/* Whether somebody waits. */
bool leak_check_is_due(const struct leak_check *check, const struct session *session);

/* Answers those whose events have all been applied. After each round of `drain`. */
void leak_check_look(struct leak_check *check, const struct drain *drain);

#endif
