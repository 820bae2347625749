/*
 * replay.h - from the journal of a killed collector to the recording as it was (journal.h).
 *
 * Afterwards subjects, threads, stacks, sites and open lanes are there under their old ids, with
 * mappings but without blocks and figures. Single thread.
 */
#ifndef ALLOCAUDIT_REPLAY_H
#define ALLOCAUDIT_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../drain/drain.h"
#include "../go/go_process.h"
#include "../recording/journal.h"
#include "../tables/rowinsert.h"

/* Items point into the journal. */
struct replay {
    const struct journal_parked **parked;
    size_t parked_count;
    size_t parked_capacity;
    const struct journal_early_free **early;
    size_t early_count;
    size_t early_capacity;
    const struct journal_rss **samples; /* by time */
    size_t sample_count;
    size_t sample_capacity;
    struct subject **ended; /* those that were finished, or about to be, by time */
    size_t ended_count;
    size_t ended_capacity;
    struct go_process go;
    const struct journal_go_reading **readings; /* by time */
    size_t reading_count;
    size_t reading_capacity;
    uint32_t last_lane; /* of the last event in the journal, and where it stood in its lane */
    uint64_t last_position;
    uint64_t last_head;
};

/*
 * Applies the whole journal, which must outlive the result. `rows`, the sink of the drain's
 * recording, gets the rows that mappings left behind, under the ids that they had. Returns 0,
 * -ENOMEM or the errno of a failed write.
 */
int replay_journal(struct replay *replay, const struct journal *journal, struct drain *drain,
                   struct rowinsert *rows, struct err *err);
void replay_fini(struct replay *replay);

#endif
