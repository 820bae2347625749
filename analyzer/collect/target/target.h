/*
 * target.h - can anything be preloaded into this command? Asked before it is started, so that
 * nobody gets an empty recording that looks clean, or a comparison of nothing.
 */
#ifndef ALLOCAUDIT_TARGET_H
#define ALLOCAUDIT_TARGET_H

#include <limits.h>
#include <stdbool.h>

#include "../../base/err.h"
#include "../../go/go_binary.h"

/* What a command is. */
struct target {
    char path[PATH_MAX]; /* the program that the kernel will load: the interpreter of a script */
    bool is_unreadable;  /* by this user: what it is cannot be known */
    bool is_go;
    struct go_binary go; /* if is_go */
};

/*
 * Finds `command` as execvp would and looks at what it is. Returns 0; or with a line in *err
 * -ENOENT (no such command), -EACCES (may not be executed), -ENOEXEC (nothing can be preloaded:
 * statically linked, of another architecture, or set-user-id so that the loader ignores
 * preloading). A Go program may be statically linked: its runtime tells of its memory.
 */
int target_check(const char *command, struct target *out_target, struct err *err);

#endif
