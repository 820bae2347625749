/*
 * run_record.h - what `run` was asked for, and the recording from the command's start to its end.
 */
#ifndef ALLOCAUDIT_RUN_RECORD_H
#define ALLOCAUDIT_RUN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "../catalog/allocators.h"
#include "../cli/options.h"

struct run_settings {
    const char *output;
    const char *allocator;
    const char *policy;
    const char *plan;
    struct option_list frame_symbols;
    const char *introspect;
    uint64_t introspect_ns; /* 0: never */
    int detail;
    int unwind;
    int when_full;
    uint64_t depth_limit;
    uint64_t ring_bytes;
    uint64_t sample_bytes; /* OPTION_NOT_GIVEN: everything is recorded */
    bool is_mmap_recorded;
    bool traces_go_objects;
    bool follows_children;
    int leak_when; /* enum leak_when */
    bool is_quiet;
    bool checks_unwind;
};

/* Words of --unwind, by enum ring_unwind; NULL ends them. */
extern const char *const run_unwind_names[];

/* Tells why, and returns `status`. */
int run_fail(const struct err *err, int status);

/* Records the command, and returns the exit status of `run`. Everything is told on stderr. */
int run_record(char **command, const struct run_settings *settings,
               const struct allocator *allocator);

#endif
