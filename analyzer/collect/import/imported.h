/*
 * imported.h - a recording that is made of another profiler's file: one process, sites and sums, no
 * rows of blocks, names that come with their places in the code. Single thread.
 */
#ifndef ALLOCAUDIT_IMPORTED_H
#define ALLOCAUDIT_IMPORTED_H

#include <stddef.h>
#include <stdint.h>

#include "../../base/err.h"
#include "../recording/recording.h"

/* Of all that imports files: what is told when it is done. */
struct import_sums {
    uint64_t site_count;
    uint64_t allocation_count;
    uint64_t live_bytes; /* at the end */
};

struct imported {
    struct recording recording;
    struct subject *subject; /* its only process */
    struct given_name *names;
    size_t name_count;
    size_t name_capacity;
};

struct imported_process {
    const char *executable;
    const char *command;
    const char *allocator;
    enum subject_end end;
};

struct imported_run {
    const char *output_path; /* must not exist */
    const char *command;     /* what the recording says it came from, quoted for a shell */
    uint64_t sample_bytes;   /* 0: no sample */
    uint64_t started_unix_ns;
    uint64_t duration_ns;
    uint32_t depth_limit;
};

/* Returns 0 or -ENOMEM; imported_fini() is to be called either way. */
int imported_init(struct imported *imported, const struct imported_process *process);
void imported_fini(struct imported *imported);

/* Adds a name whose texts live until imported_write(). *out_offset is its number, which stands for
 * its code's offset in a module: from 1. Returns 0 or -ENOMEM. */
int imported_add_name(struct imported *imported, const struct given_name *name,
                      uint64_t *out_offset);

/* All is in: settles the sums and writes the file. Returns 0 or a negative errno, and then there is
 * no file. */
int imported_write(struct imported *imported, const struct imported_run *run,
                   struct import_sums *out_sums, struct err *err);

#endif
