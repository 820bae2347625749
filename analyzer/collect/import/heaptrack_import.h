/*
 * heaptrack_import.h - a file of heaptrack as a recording: sites and sums, the course of live and
 * resident bytes, no rows of blocks.
 *
 * Its events name a size and a stack, not a block: which of two equal blocks was freed is not told,
 * so lifetimes and temporary blocks are not known. Nor are threads, reallocs and times of calls.
 */
#ifndef ALLOCAUDIT_HEAPTRACK_IMPORT_H
#define ALLOCAUDIT_HEAPTRACK_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/err.h"
#include "imported.h"

struct heaptrack_import {
    const char *path;
    const char *output_path; /* must not exist */
    const char *command;     /* of the import, told where the file names no command */
    void (*progress)(void *context, uint64_t done, uint64_t total); /* may be NULL */
    void *progress_context;
    struct import_sums sums; /* out */
    bool is_attached;        /* heaptrack was attached to a program that ran already */
};

/* Returns 0; -EBADMSG (damaged, raw or of another version) or another negative errno, told in err,
 * and then there is no output. */
int heaptrack_import_run(struct heaptrack_import *import, struct err *err);

#endif
