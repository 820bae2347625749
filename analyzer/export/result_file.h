/*
 * result_file.h - a file that is there whole or not at all: written beside its place under another
 * name, and put there at the end. Where the place is no regular file (a pipe, /dev/null), it is
 * written directly. Single thread.
 */
#ifndef ALLOCAUDIT_RESULT_FILE_H
#define ALLOCAUDIT_RESULT_FILE_H

#include <stdio.h>

#include "../base/err.h"

struct result_file {
    FILE *stream;    /* write here */
    char *path;      /* where it is to stand; NULL: stdout */
    char *temporary; /* NULL: written directly */
};

/* `path` NULL or "-" means stdout. Returns 0, -ENOMEM or the negative errno of opening. */
int result_file_open(const char *path, struct result_file *out_file, struct err *err);

/* Checks, closes, and puts the file into its place. On failure nothing is left. Ends it in every
 * case. Returns 0 or a negative errno; -EPIPE: the reader has left, be quiet. */
int result_file_finish(struct result_file *file, struct err *err);

/* Ends it without a result. A zeroed one is fine. */
void result_file_abandon(struct result_file *file);

#endif
