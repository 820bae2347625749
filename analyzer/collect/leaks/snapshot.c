#include "snapshot.h"

#include <unistd.h>

int snapshot_detach(struct recording *recording)
{
    int r = 0;
    recording->journal = NULL;
    recording->directory = NULL;
    recording->is_sites_only = true;
    for (size_t i = 0; r == 0 && i < recording->subject_count; i++) {
        struct subject *subject = recording->subjects[i];
        r = live_detach(&subject->live);
        /* Rows of blocks that have died are not in this file. */
        for (size_t slot = 0; r == 0 && slot < subject->live.used_count; slot++) {
            subject->live.slots[slot].realloc_of_id = 0;
        }
        for (size_t range = 0; range < subject->ranges.count; range++) {
            subject->ranges.items[range].realloc_of_id = 0;
        }
    }
    return r;
}

static int snapshot_finish_subjects(struct recording *recording, struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < recording->subject_count; i++) {
        struct subject *subject = recording->subjects[i];
        if (subject->end == SUBJECT_RUNNING) {
            subject->end = SUBJECT_DETACHED;
            subject->ended_ns = subject->last_event_ns;
        }
        r = subject_finish(subject, err);
    }
    return r;
}

static int snapshot_write_rows(const struct store *store, struct recording *recording,
                               struct err *err)
{
    struct rowpack *rows = NULL;
    int r = rowpack_create(store->fd, store->root_page, &rows, err);
    if (r == 0) {
        recording->rows = rows;
        r = snapshot_finish_subjects(recording, err);
    }
    if (r == 0) {
        r = rowpack_seal(rows, err);
    }
    rowpack_destroy(rows);
    recording->rows = NULL;
    return r;
}

int snapshot_write(const char *path, const struct run_facts *facts, struct recording *recording,
                   struct err *err)
{
    const struct store_finish_options options = {0};
    struct run_facts now = *facts;
    struct store store;
    now.detail = "sites";
    now.ring_path = NULL;
    now.exit_status = -1; /* it has none yet */
    now.exit_signal = 0;
    now.duration_ns = clock_ns(&recording->clock, clock_ticks(&recording->clock));
    int r = store_create(path, &now, &store, err);
    if (r < 0) {
        return r;
    }
    r = snapshot_write_rows(&store, recording, err);
    if (r == 0) {
        r = store_finish(&store, &now, recording, &options, err);
    }
    if (r < 0) {
        unlink(path);
    }
    store_close(&store);
    return r;
}
