/*
 * preload.h - where our own files lie that a program is run with, and what LD_PRELOAD can take.
 *
 * No state. Any thread.
 */
#ifndef ALLOCAUDIT_PRELOAD_H
#define ALLOCAUDIT_PRELOAD_H

#include <stddef.h>

#include "../base/err.h"

/* Finds a file that came with allocaudit: beside the running program, or where it was installed.
 * Returns 0, or -ENOENT with a line in *err. */
int preload_find_file(const char *file, char *path, size_t size_bytes, struct err *err);

/* Finds liballocaudit.so, and checks its path. Returns 0, -ENOENT or -EINVAL. */
int preload_find_library(char *path, size_t size_bytes, struct err *err);

/* Can the library be preloaded from there? The loader splits its list at blanks and colons. Returns
 * 0 or -EINVAL. */
int preload_check_path(const char *path, struct err *err);

#endif
