/*
 * whole_file.h - a file that appears whole or not at all: written beside its place under another
 * name, then renamed over what was there. What is no plain file (a device, a pipe) is written to
 * directly. Single thread.
 */
#ifndef ALLOCAUDIT_WHOLE_FILE_H
#define ALLOCAUDIT_WHOLE_FILE_H

#include <stdio.h>

#include "err.h"

/* Zeroed is a valid one that was never opened. */
struct whole_file {
    FILE *stream;
    char *path;      /* of the file itself, links followed; NULL: stdout */
    char *temporary; /* NULL: written to directly */
};

/* `path` NULL or "-" means stdout. Returns 0 or a negative errno; *out_file is to be ended with
 * whole_file_keep() or _discard(). */
int whole_file_open(const char *path, struct whole_file *out_file, struct err *err);

/* Puts it in its place. Returns 0; or a negative errno, and what was there before is still there.
 * -EPIPE: the reader has left, be quiet. */
int whole_file_keep(struct whole_file *file, struct err *err);

/* Leaves no trace of it. */
void whole_file_discard(struct whole_file *file);

#endif
