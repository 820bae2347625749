/*
 * go_run.h - the recording of a Go program: what its runtime tells of garbage collections, and its
 * memory profile.
 *
 * Each has sources that may fail one by one; what was used instead, and why, is kept in the
 * recording's go_facts. Single thread.
 */
#ifndef ALLOCAUDIT_GO_RUN_H
#define ALLOCAUDIT_GO_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../../base/map.h"
#include "../../base/str.h"
#include "../../go/go_binary.h"
#include "../../go/go_memory.h"
#include "../../go/go_profile.h"
#include "../recording/recording.h"
#include "../target/target.h"
#include "gc_streams.h"
#include "go_process.h"
#include "go_tracee.h"
#include "stderr_relay.h"

enum {
    GO_RATE_BYTES = 512 * 1024, /* Go's own */
};

/* A bucket of the profile as it was last read. */
struct go_bucket_state {
    uint32_t site;
    uint64_t size_bytes;
    uint64_t alloc_count; /* estimates, whole numbers */
    uint64_t free_count;
    uint64_t sampled_alloc_count;
    uint64_t sampled_free_count;
};

/* Lives as long as the run, as does what it points to. */
struct go_run_settings {
    const struct target *target; /* NULL: the command is no Go program */
    const char *command;
    uint64_t rate_bytes; /* of the profile; 0: every object */
    bool traces_objects; /* each is a block; the profile is not read */
};

struct go_run {
    struct recording *recording;
    struct go_run_settings settings;
    struct str go_debug;    /* GODEBUG for the program; empty: as it is */
    size_t own_debug_bytes; /* of that, the user's */
    struct stderr_relay relay;
    struct go_tracee tracee;
    struct go_memory memory;
    struct go_process process;
    pid_t pid;
    bool is_readable; /* its profile */
    bool is_placed;   /* where its code lies is known: traced objects can be taken */
    uint64_t begun_ns;
    uint64_t next_reading_ns;
    struct gc_streams streams;
    uint64_t started_ticks; /* when its runtime was initialised; the clock is calibrated later */
    struct map bucket_of_address;
    struct go_bucket_state *buckets;
    size_t bucket_count;
    size_t bucket_capacity;
    struct tally_change *changes; /* of the reading under way */
    size_t change_count;
    size_t change_capacity;
    uint64_t *offsets; /* of the frames of a bucket */
    size_t offset_capacity;
};

/* Before the program starts: takes its stderr, if collections can be told of. Returns 0 or -ENOMEM.
 */
int go_run_prepare(struct go_run *run, struct recording *recording,
                   const struct go_run_settings *settings, struct err *err);

/* The program has been started as `pid`. Returns 0 or -ENOMEM. */
int go_run_begin(struct go_run *run, pid_t pid, struct err *err);

/* Takes what there is to take, at every turn. Returns 0, -ENOMEM, or the errno of a failed write.
 */
int go_run_look(struct go_run *run, struct err *err);

/* The process of `subject` has ended: its traced objects are all taken, if it is the program's. The
 * same. */
int go_run_end_process(struct go_run *run, const struct subject *subject, struct err *err);

/* The program has ended, and its subject is finished. Returns 0 or -ENOMEM. */
int go_run_finish(struct go_run *run, struct err *err);

void go_run_fini(struct go_run *run);

#endif
