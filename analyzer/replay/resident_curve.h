/*
 * resident_curve.h - the resident set of one replay along the recorded time, as allocaudit-replay
 * tells it. Single thread.
 */
#ifndef ALLOCAUDIT_RESIDENT_CURVE_H
#define ALLOCAUDIT_RESIDENT_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

struct resident_curve {
    struct resident_reading *readings; /* by time */
    size_t count;
    size_t capacity;
    uint64_t ready_bytes; /* resident before the first call */
};

struct resident_reading {
    uint64_t at_ns; /* since the process's first operation */
    uint64_t bytes;
};

/*
 * Reads the answer of a replay. Returns 0 and *out_curve is to be ended with resident_curve_fini();
 * -EBADMSG if it holds no readings; or -ENOMEM.
 */
int resident_curve_read(const char *answer, struct resident_curve *out_curve, struct err *err);

/*
 * The most of [from_ns, to_ns), or what it was before if no reading falls there, without
 * ready_bytes. *cursor begins at 0, and from_ns must not go back from call to call.
 */
uint64_t resident_curve_most(const struct resident_curve *curve, size_t *cursor, uint64_t from_ns,
                             uint64_t to_ns);

/* A zeroed one is fine. */
void resident_curve_fini(struct resident_curve *curve);

#endif
