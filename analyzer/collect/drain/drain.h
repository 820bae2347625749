/*
 * drain.h - reads all lanes of the ring and applies their events in the order of their stamps.
 *
 * A round reads up to a horizon: a moment before which no event can still be unpublished. A thread
 * that is seen between stamp and publication holds the horizon back to where it was last seen at
 * rest. Single thread.
 */
#ifndef ALLOCAUDIT_DRAIN_H
#define ALLOCAUDIT_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../recording/recording.h"
#include "session.h"

struct reader;

/* A reader and the stamp of its next event. */
struct drain_head {
    uint64_t ticks;
    struct reader *reader;
};

struct drain {
    struct session *session;
    struct recording *recording;
    struct reader **readers;
    size_t reader_count;
    size_t reader_capacity;
    size_t heap_capacity;
    struct drain_head *heap; /* readers with events before the horizon, earliest stamp first */
    struct reader **reader_of_lane; /* RING_LANE_CAPACITY */
    uint64_t slack_ticks;
    uint64_t stuck_ticks;
    uint64_t previous_ticks; /* of the last round */
    uint64_t read_ticks;     /* everything stamped before was applied */
    uint64_t limit_ticks;    /* nothing later is read; 0: no limit */
};

int drain_init(struct drain *drain, struct session *session, struct recording *recording);
void drain_fini(struct drain *drain);

/*
 * Starts reading a lane, and notes it in the journal; its subject and thread are made where they
 * are new. Only the fields of `opened` that do not change count. Returns 0 or -ENOMEM.
 */
int drain_open_lane(struct drain *drain, const struct journal_lane *opened);

/* Forgets a lane, without a change of the ring. No lane of this number is fine. */
void drain_close_lane(struct drain *drain, uint32_t index);

/*
 * One round. is_final: every process has ended, so everything that is there is read. Returns the
 * number of events applied (0: nothing to do), -ENOMEM, or the errno of a failed write with *err
 * set.
 */
int64_t drain_round(struct drain *drain, bool is_final, struct err *err);

/* The process image with this key has ended: what its lanes hold is all there will be. */
void drain_process_ended(struct drain *drain, uint32_t key);

/* The same for all processes that are known to have ended, also for lanes that were found late. */
void drain_note_ends(struct drain *drain);

/* True if no lane of the subject is left. */
bool drain_is_done(const struct drain *drain, const struct subject *subject);

#endif
