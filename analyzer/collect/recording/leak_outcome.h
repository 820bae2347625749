/*
 * leak_outcome.h - what came of looking which of a process's blocks can be reached, and sums over
 * the blocks of a site.
 */
#ifndef ALLOCAUDIT_LEAK_OUTCOME_H
#define ALLOCAUDIT_LEAK_OUTCOME_H

#include <stdint.h>

#include "../../../schema/leak_kind.h"

/* The words are those of process.leak_check. */
#define LEAK_OUTCOMES(X)                                                                           \
    X(NONE, "none") /* it ended without a word: killed, crashed, or became another program */      \
    X(OFF, "off")   /* not wanted */                                                               \
    X(SAMPLED, "sampled") /* most blocks are not known */                                          \
    X(DONE, "done")                                                                                \
    X(PARTLY, "partly")   /* the same, but threads ran on whose registers are not known */         \
    X(LARGE, "large")     /* too much to do it unasked (LEAK_CHECK_SMALL) */                       \
    X(LATE, "late")       /* the process would have waited too long */                             \
    X(REFUSED, "refused") /* its memory could not be read */

enum leak_outcome {
#define X(name, word) LEAK_OUTCOME_##name,
    LEAK_OUTCOMES(X)
#undef X
    LEAK_OUTCOME_COUNT
};

/* When to look at a process that ends, which waits for it. */
enum leak_when {
    LEAK_CHECK_SMALL, /* if that is a matter of a few milliseconds */
    LEAK_CHECK_YES,
    LEAK_CHECK_NO,
};

struct leak_sum {
    uint64_t leaked_count;
    uint64_t leaked_bytes;
};

#endif
