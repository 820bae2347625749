/*
 * leak_scan.h - classifies the live blocks of a process that stands still.
 */
#ifndef ALLOCAUDIT_LEAK_SCAN_H
#define ALLOCAUDIT_LEAK_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "../recording/subject.h"
#include "../target/target_memory.h"
#include "leak_marks.h"
#include "leak_threads.h"

struct leak_scan_settings {
    uint32_t pid;
    uint32_t waiting_tid;
    uint64_t stack_address;     /* of that thread */
    uint64_t deadline_ns;       /* CLOCK_MONOTONIC */
    _Atomic uint32_t *progress; /* goes up while memory is read */
    uint64_t memory_bytes_most; /* of writable memory in use; with more it is left alone */
    uint64_t space_bytes_most;  /* of addresses to look through; the same */
    bool is_routed;             /* a policy or plan serves some of the blocks */
    /*
     * NULL: all that happened so far is in the subject already. Else called while its threads stand
     * still, or as good as can be done, to bring that about. Returns 0; -EAGAIN (one of them is in
     * the middle of a call: they are let go and stopped again); or another negative errno.
     */
    int (*settle)(void *context);
    void *settle_context;
};

struct leak_scan {
    struct subject *subject;
    struct leak_scan_settings settings;
    enum leak_outcome outcome; /* so far */
    int failure;               /* of settle() */
    uint64_t still_ns;         /* how long its threads stood still */
    struct target_memory memory;
    struct leak_block *blocks; /* by address */
    struct leak_marks marks;
    struct leak_threads threads;
};

/* Looks at the process's memory; after that it may run on, or end. leak_scan_fini() is due. */
void leak_scan_look(struct leak_scan *scan, struct subject *subject,
                    const struct leak_scan_settings *settings);

/* Tells the kinds by what was seen; the process is not needed any more. */
void leak_scan_mark(struct leak_scan *scan, uint64_t deadline_ns);

/*
 * Where the process ran on during two looks, both marked: a block keeps the better kind of the two,
 * so that lost is only what both call lost; one that the earlier look did not know has no kind.
 */
void leak_scan_agree(struct leak_scan *scan, const struct leak_scan *earlier);

/*
 * Sets leak_kind of the subject's live blocks, which must be as they were when it was looked at;
 * leaves them alone unless the outcome is LEAK_OUTCOME_DONE or LEAK_OUTCOME_PARTLY.
 */
void leak_scan_apply(const struct leak_scan *scan);

void leak_scan_fini(struct leak_scan *scan);

#endif
