/*
 * target.h - can anything be preloaded into this command? Asked before it is started, so that
 * nobody gets an empty recording that looks clean, or a comparison of nothing.
 */
#ifndef ALLOCAUDIT_TARGET_H
#define ALLOCAUDIT_TARGET_H

#include <limits.h>

#include "../base/err.h"

/*
 * Finds `command` as execvp would and looks at what it is. Returns 0; or with a line in *err
 * -ENOENT (no such command), -EACCES (may not be executed), -ENOEXEC (nothing can be preloaded:
 * statically linked, of another architecture, or set-user-id so that the loader ignores
 * preloading).
 */
int target_check(const char *command, struct err *err);

/* The same, and `path` is the program that the kernel will load: the interpreter of a script. */
int target_find_program(const char *command, char path[PATH_MAX], struct err *err);

#endif
