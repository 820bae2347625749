/*
 * snapshot.h - a recording that goes on, written down as it is at the moment: a database of its own
 * with the blocks that are live now, as --detail sites would have it.
 *
 * Uses up the recording, so it is called in a forked copy of the collector.
 */
#ifndef ALLOCAUDIT_SNAPSHOT_H
#define ALLOCAUDIT_SNAPSHOT_H

#include "../../base/err.h"
#include "../recording/recording.h"
#include "../tables/store.h"

/*
 * Cuts the copy off the files that it shares with the collector: from now on that one may go on.
 * Returns 0 or -ENOMEM.
 */
int snapshot_detach(struct recording *recording);

/* Writes the database `path`, which must not exist; what still runs counts as detached. Returns 0
 * or a negative errno. */
int snapshot_write(const char *path, const struct run_facts *facts, struct recording *recording,
                   struct err *err);

#endif
