/*
 * congestion.h - what is done about a full ring: it grows, or the writers have to give up.
 */
#ifndef ALLOCAUDIT_CONGESTION_H
#define ALLOCAUDIT_CONGESTION_H

#include <stddef.h>
#include <stdint.h>

#include "pace.h"
#include "session.h"

/* All zeros is its beginning. */
struct congestion {
    struct pace pace;
    uint64_t stuck_since_ns; /* writers wait, and there is nothing to read; 0: not so */
};

/* After a turn in which `applied` events were read, of reader_count lanes. */
void congestion_look(struct congestion *congestion, struct session *session, size_t reader_count,
                     int64_t applied);

#endif
