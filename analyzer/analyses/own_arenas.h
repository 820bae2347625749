/*
 * own_arenas.h - what arenas of their own would hold for the blocks of a few sites, over the whole
 * recording (repack.h says what such an arena is). Single thread.
 */
#ifndef ALLOCAUDIT_OWN_ARENAS_H
#define ALLOCAUDIT_OWN_ARENAS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../model/trace.h"

enum {
    OWN_ARENAS_MAX = 3,
};

struct own_arena {
    uint32_t stack_id; /* given */
    double peak_bytes; /* the three are whole pages */
    double mean_bytes; /* from the first call to the last */
    double end_bytes;  /* after the last */
};

/* Reads the calls once. At most OWN_ARENAS_MAX. Returns 0 or a negative errno. */
int own_arenas_measure(const struct trace *trace, uint32_t process_id, struct own_arena *arenas,
                       size_t count, struct err *err);

#endif
