/*
 * baseline.h - what one or several recordings of a program have counted, small enough to commit,
 * and a recording held against it.
 *
 * A baseline is YAML with an entry a line, sites by their paths (model/site_paths.h), sorted:
 *
 *     baseline: 1
 *     command: ./app --input x
 *     recording_count: 3
 *     leak_kinds: definite, indirect    # of recordings with --leak-check yes; else all count
 *     run:
 *       allocation_count: 5100
 *       peak_bytes: 5734..5802          # it varied between the recordings
 *     sites:
 *       - {path: "session_open < main", allocation_count: 1000, allocated_bytes: 24000}
 *
 * Sites are named that have a 500th of any figure; what the others do is in the run's figures
 * alone. Single thread.
 */
#ifndef ALLOCAUDIT_BASELINE_H
#define ALLOCAUDIT_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"
#include "../model/counted_leaks.h"
#include "../model/site_paths.h"
#include "gate_metric.h"

/* A figure over the recordings. */
struct baseline_figure {
    uint64_t least;
    uint64_t most;
};

struct baseline_site {
    char *path;
    /* Of each figure its largest stack, in the recording added last; 0: read from a file. */
    uint32_t stack_ids[GATE_METRIC_COUNT];
    struct baseline_figure figures[GATE_METRIC_COUNT];
    bool is_seen; /* while a recording is added */
};

enum {
    BASELINE_FORMAT = 1, /* of its text */
};

struct baseline {
    char *command;
    uint64_t recording_count;
    uint64_t thread_count;      /* most that a process had */
    struct counted_leaks leaks; /* what counts as leaked: to be set before recordings are added */
    bool is_leak_checked;       /* kinds were known; else all blocks that were live count */
    bool is_recording;          /* it was read from one, not from a text */
    struct baseline_figure run[GATE_METRIC_COUNT];
    struct baseline_site *sites; /* by path */
    size_t site_count;
    size_t site_capacity;
};

/*
 * Counts a recording in. Returns 0; -ENODATA (a sample, incomplete, empty), -EINVAL (of another
 * command or --leak-check than those before), or a negative errno of opening and reading it; err
 * says which file.
 */
int baseline_add(struct baseline *baseline, const char *path, struct err *err);

/* Writes it as text. Returns 0 or a negative errno. */
int baseline_write(const struct baseline *baseline, FILE *stream, struct err *err);

/* The same to a file, which is replaced once the text is whole. */
int baseline_write_file(const struct baseline *baseline, const char *path, struct err *err);

/* Reads such a text, which says what counts as leaked, or a recording if it is one. Errors as of
 * yaml_file_read() and baseline_add().
 */
int baseline_read(struct baseline *baseline, const char *path, struct err *err);

/* Reads such a text from memory; `name` stands for the file's in what err says. */
int baseline_parse(struct baseline *baseline, const char *name, const char *text, size_t size_bytes,
                   struct err *err);

/* Puts the sites in order, as baseline_find() needs them. */
void baseline_sort(struct baseline *baseline);

/* The site of that path, or NULL. */
const struct baseline_site *baseline_find(const struct baseline *baseline, const char *path);

/* A zeroed one is fine. */
void baseline_fini(struct baseline *baseline);

#endif
