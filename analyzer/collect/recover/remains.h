/*
 * remains.h - the session directory of a killed collector, opened for recovery.
 *
 * The ring is mapped privately: it can be read on as the collector would have, and stays as it is
 * until recovery has succeeded. Only the word that stops the program from recording is really
 * written.
 */
#ifndef ALLOCAUDIT_REMAINS_H
#define ALLOCAUDIT_REMAINS_H

#include <stdbool.h>

#include "../../base/err.h"
#include "../drain/session.h"
#include "../recording/clock.h"
#include "../recording/journal.h"

#define REMAINS_STILL_RECORDED "still being recorded: wait until 'allocaudit run' has ended"

struct remains {
    struct session session; /* never pass it to session_destroy() */
    uint64_t ring_bytes;    /* mapped */
    struct journal journal;
    struct clock clock;
    char *directory;
    bool is_found; /* the ring is there */
    bool has_journal;
    bool is_journal_whole; /* it was kept to the end */
};

/*
 * Opens what is there beside `ring_path`, holding the lock that the collector held, and stops the
 * recording of programs that still run. Without a ring or a journal it returns 0, too. -EBUSY: the
 * collector lives, or another recovery is at work; or another negative errno.
 */
int remains_open(struct remains *remains, const char *ring_path, struct err *err);

/* Closes everything; is_done: and removes the directory. */
void remains_close(struct remains *remains, bool is_done);

#endif
