/*
 * go_process.h - a Go program in a recording: what is learnt of it becomes sites, figures and
 * garbage collections, and is kept in the journal.
 *
 * Recovery calls the same functions again, with what the journal holds. Single thread.
 */
#ifndef ALLOCAUDIT_GO_PROCESS_H
#define ALLOCAUDIT_GO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../recording/journal.h"
#include "../recording/recording.h"

struct go_process {
    struct recording *recording;     /* whose go_facts these are; their version is set */
    struct subject *subject;         /* NULL: not met yet */
    uint32_t module;                 /* of its file */
    bool has_objects;                /* as blocks (go_objects.h)... */
    uint32_t object_thread;          /* ...of this thread, by its index */
    struct journal_go_process *kept; /* NULL: nothing is kept */
};

/* What is known of it before it is met. */
struct go_process_start {
    uint32_t pid;
    const char *path;
    const char *command;
};

/*
 * Looks for the subject of that pid, which the recorder in the program announces; may_make: where
 * there is none it is made. Returns 0, also if it was not met, or -ENOMEM.
 */
int go_process_meet(struct go_process *process, const struct go_process_start *start,
                    bool may_make);

/* The site that allocates at offsets[0] of the program's file, called from offsets[1] and so on.
 * Returns 0 or -ENOMEM. */
int go_process_site(struct go_process *process, const uint64_t *offsets, uint32_t frame_count,
                    uint32_t *out_site);

/* The profile was read: what has changed since the reading before. Returns 0 or -ENOMEM. */
int go_process_add_reading(struct go_process *process, const struct journal_go_reading *reading,
                           const struct tally_change *changes);

/* Returns 0 or -ENOMEM. */
int go_process_add_gc(struct go_process *process, const struct gc_event *event);

int go_process_add_scavenge(struct go_process *process, const struct scavenge *scavenge);

/* The reasons and counts among the go_facts have changed. */
void go_process_keep_facts(struct go_process *process);

/* Meets the process that the journal tells of, with the facts that were kept; *kept has been
 * checked to be followed by its texts. Returns 0, -ENOMEM, or -EINVAL: it is not in the recording.
 */
int go_process_meet_again(struct go_process *process, const struct journal_go_process *kept);

#endif
