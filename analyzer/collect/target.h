/*
 * target.h - can this command be recorded at all? Asked before it is started, so that nobody gets
 * an empty recording that looks clean.
 */
#ifndef ALLOCAUDIT_TARGET_H
#define ALLOCAUDIT_TARGET_H

#include "../base/err.h"

/*
 * Finds `command` as execvp would and looks at what it is. Returns 0; or with a line in *err
 * -ENOENT (no such command), -EACCES (may not be executed), -ENOEXEC (it cannot be recorded:
 * statically linked, of another architecture, or set-user-id so that the loader ignores
 * preloading).
 */
int target_check(const char *command, struct err *err);

#endif
