/*
 * process.h - what this process knows about its recording: the mapped ring and who we are.
 *
 * The state lies in a page that the kernel wipes in a child after fork, by whatever call it was
 * made (vfork shares memory and is not wiped, rightly). A wiped page reads as "not attached yet",
 * so the child attaches by itself at its first allocation and never writes into its parent's lanes.
 */
#ifndef ALLOCAUDIT_PROCESS_H
#define ALLOCAUDIT_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../schema/ring.h"

enum process_phase {
    PROCESS_NEW = 0, /* also after fork */
    PROCESS_ATTACHING,
    PROCESS_RECORDING,
    PROCESS_OFF, /* not under `allocaudit run`, or the collector has gone */
};

struct process {
    _Atomic uint32_t phase; /* enum process_phase */
    uint32_t key;
    uint32_t pid;
    uint32_t clock; /* enum ring_clock */
    uint32_t depth_limit;
    uint32_t flags;      /* enum ring_flags */
    uint32_t unwind;     /* enum ring_unwind */
    uint32_t parent_key; /* the process that forked us, or 0 */
    struct ring_header *ring;
    _Atomic(struct self *) exiting; /* selves whose threads are about to end (self.h) */
    _Atomic size_t chain_bytes;     /* of the threads' larger tables of stacks (chain.c) */
    _Atomic bool is_announced;      /* the EVENT_PROCESS record was written */
    _Atomic bool is_scan_asked;     /* by one thread, once (leak_wait.h) */
    _Atomic bool is_counted;        /* the program has asked what all threads allocate (census.h) */
    _Atomic uint32_t part_count;
    _Atomic(struct census_part *) parts;               /* of its threads, newest first */
    _Atomic(const struct counted_sums *) counted_from; /* what they came to when first asked */
};

/* Never NULL once anything was recorded; before that it points at a page that says PROCESS_NEW. */
extern struct process *process;

/* Attaches if that has not been tried yet. True if events are to be recorded. Leaves errno alone.
 */
bool process_attach(void);

/* Handlers of fork: see forked_pids in schema/ring.h. */
void process_before_fork(void);
void process_in_forked_child(void);

/* Where to tell of a program that this process, or its child that shares its memory or has not
 * attached yet, is about to become; NULL: nobody wants to know. *out_key: the recorded process. */
struct ring_header *process_ring_of_images(uint32_t *out_key);

/* The collector has gone or has had enough: nothing more is recorded in this process. */
void process_stop(void);

#endif
