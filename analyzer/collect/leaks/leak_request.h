/*
 * leak_request.h - asks the collector of a running recording which blocks of a process can be
 * reached at the moment (leak_demand.h is the other side). Single thread.
 */
#ifndef ALLOCAUDIT_LEAK_REQUEST_H
#define ALLOCAUDIT_LEAK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"

struct leak_reply {
    uint64_t still_ns;     /* how long the process stood still; 0: it did not */
    uint32_t looked_count; /* how often it was looked at */
    bool is_moving;        /* its threads ran on */
};

/*
 * The answer is a database, put at `path` (which must not exist). Returns 0; -ESRCH (no recording
 * of that process is found among ours, in /dev/shm or in this directory; or it has ended); -EBUSY;
 * -EPIPE (the collector is silent); or another negative errno.
 */
int leak_request_make(uint32_t pid, const char *path, struct leak_reply *out_reply,
                      struct err *err);

#endif
