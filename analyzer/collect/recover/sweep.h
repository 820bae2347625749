/*
 * sweep.h - figures from rows: the tallies of a recording whose collector was killed.
 *
 * Steps through births and deaths in the order of time, from the rows and the live sets, and counts
 * them as the collector did. What rows do not tell is missing: how long calls took. Memory is
 * bounded by the most blocks that were ever live at once.
 */
#ifndef ALLOCAUDIT_SWEEP_H
#define ALLOCAUDIT_SWEEP_H

#include <sqlite3.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../recording/recording.h"
#include "replay.h"

/* A subject and an index in its threads. */
struct sweep_place {
    struct subject *subject;
    uint32_t thread;
};

/* Where each row of `thread` belongs. The array is the caller's to free; [0] is unused. */
int sweep_places(const struct recording *recording, struct sweep_place **out_places);

/*
 * Counts all rows of `block` and all live blocks. `replay` may be NULL. Returns 0, -ENOMEM,
 * -EBADMSG (rows of unknown threads) or -EIO.
 */
int sweep_count(struct recording *recording, const struct replay *replay, sqlite3 *database,
                struct err *err);

#endif
