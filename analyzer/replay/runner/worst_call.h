/*
 * worst_call.h - the call that takes longest, with nothing in it that others on the machine did.
 *
 * The longest call of one replay is mostly one that was interrupted. So the replay is made several
 * times, each in a process of its own whose memory lies at the same addresses, and of each call the
 * least time counts: what stays long is long by the allocator's own doing. The first and the last
 * hundredth of the calls are left out: who cannot wait has warmed up, and has time at its end. What
 * an allocator does by the clock, at other calls each time, is not seen. Serial replays alone.
 */
#ifndef ALLOCAUDIT_WORST_CALL_H
#define ALLOCAUDIT_WORST_CALL_H

#include <stdint.h>

#include "stage.h"

enum {
    WORST_CALL_LAPS = 7,
    WORST_CALL_EDGE_PART = 10,       /* of the calls, at either end, which do not count */
    WORST_CALL_FD = 4,               /* where a lap finds the table of least times */
    WORST_CALL_COUNT_MAX = 32 << 20, /* later calls are not looked at */
};

/* Runs the laps: `lap` is the command of one, NULL-ended. Returns 0 and *out_ticks (0: there were
 * no calls), or a negative errno; -ECHILD: a lap did not end well. */
int worst_call_find(const struct script_head *head, char *const *lap, uint64_t *out_ticks);

/* In a lap: maps the table, for so many calls. NULL: it is not there. */
uint32_t *worst_call_table(const struct script_head *head, uint64_t *out_count);

#endif
