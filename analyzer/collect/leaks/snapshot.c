#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
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

static int snapshot_write_rows(int fd, uint32_t root_page, struct recording *recording,
                               struct err *err)
{
    struct rowpack *rows = NULL;
    int r = rowpack_create(fd, root_page, &rows, err);
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
    uint32_t root_page = 0;
    now.detail = "sites";
    now.ring_path = NULL;
    now.exit_status = -1; /* it has none yet */
    now.exit_signal = 0;
    now.duration_ns = clock_ns(&recording->clock, clock_ticks(&recording->clock));
    int r = store_create(path, &now, &root_page, err);
    if (r < 0) {
        return r;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    r = fd < 0 ? err_set_errno(err, errno, "cannot write '%s'", path)
               : snapshot_write_rows(fd, root_page, recording, err);
    if (fd >= 0) {
        close(fd);
    }
    if (r == 0) {
        r = store_finish(path, &now, recording, &options, err);
    }
    if (r < 0) {
        unlink(path);
    }
    return r;
}
