/*
 * perform.h - carries the script out: calls malloc and its kin as this process has them.
 *
 * Nothing but the script allocates between perform_serially() or perform_by_threads() and their
 * return (starting a thread does, by a few hundred bytes).
 */
#ifndef ALLOCAUDIT_PERFORM_H
#define ALLOCAUDIT_PERFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/histogram.h"
#include "gauge.h"
#include "stage.h"

enum perform_call {
    PERFORM_MALLOC,
    PERFORM_CALLOC,
    PERFORM_ALIGNED,
    PERFORM_REALLOC,
    PERFORM_FREE,
    PERFORM_CALL_COUNT
};

enum {
    PERFORM_READINGS = 4096,       /* of the gauge, about, in a serial replay */
    PERFORM_TOUCH_WHOLE = 1 << 16, /* all of each block; a half of it: each one's first half */
};

struct perform_settings {
    uint32_t touch_share; /* a byte is written to each page of this part of what is allocated */
    bool is_timed;        /* each call, into latencies */
    uint32_t *least;      /* serially, timed: the least ticks of each call so far, of least_count of
                             them; 0: none yet. NULL: they are not kept */
    uint64_t least_count;
    bool is_virtual; /* serially only: clocks show the recorded time */
    double speed;    /* recorded time passes so many times as fast; 0: nobody waits for it */
};

struct perform_result {
    uint64_t call_count;
    uint64_t failed_count;  /* calls that gave NULL */
    uint64_t missed_count;  /* blocks that were not there to be freed: such a call had failed */
    uint64_t at_peak_bytes; /* resident set when most requested bytes were live; 0: not known */
    uint64_t own_ns;        /* of processor time that measuring itself took */
    uint64_t held_ns;       /* for which measuring held the replay up */
    struct histogram *latencies; /* PERFORM_CALL_COUNT of them, in ticks; NULL: not timed */
};

/* Everything in one thread, in the recorded order. The gauge is read some PERFORM_READINGS times
 * along the recorded time; NULL: it is not. Returns 0 or a negative errno. */
int perform_serially(struct stage *stage, const struct perform_settings *settings,
                     struct gauge *gauge, struct perform_result *out_result);

/* A thread for each that was recorded; they wait for each other where the script says so. The
 * gauge is read by a thread of its own. Returns 0 or a negative errno. */
int perform_by_threads(struct stage *stage, const struct perform_settings *settings,
                       struct gauge *gauge, struct perform_result *out_result);

#endif
