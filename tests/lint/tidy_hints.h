/*
 * tidy_hints.h - what clang's analyzer cannot see for itself, told to it by check_tidy.sh alone.
 *
 * A call that failed leaves errno above 0, and err_set() returns minus the code it is given.
 * Without knowing, the analyzer follows a failed call as if it had succeeded, and reports garbage
 * there.
 */
#ifndef TIDY_HINTS_H
#define TIDY_HINTS_H

#include <errno.h>

#include "../../analyzer/base/err.h"

static inline int *tidy_errno(void)
{
    int *location = __errno_location();
    if (*location <= 0) {
        __builtin_unreachable();
    }
    return location;
}

#undef errno
#define errno (*tidy_errno())

#define err_set(err, code, ...)       ((err_set)((err), (code), __VA_ARGS__), -(code))
#define err_set_errno(err, code, ...) ((err_set_errno)((err), (code), __VA_ARGS__), -(code))

#endif
