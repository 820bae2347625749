/*
 * allocators.h - the allocators that allocaudit knows by name: which library each is, where it
 * lies, and which package brings it. The one table of them, for every command.
 */
#ifndef ALLOCAUDIT_ALLOCATORS_H
#define ALLOCAUDIT_ALLOCATORS_H

#include <limits.h>

#include "../base/err.h"

/* Tells our own library which of its policies serves the program. */
#define ALLOCATORS_POLICY_ENV "ALLOCAUDIT_POLICY"

enum allocator_kind {
    ALLOCATOR_OF_SYSTEM, /* glibc: nothing is preloaded */
    ALLOCATOR_LIBRARY,
    ALLOCATOR_POLICY, /* our own library, told which policy */
};

struct allocator {
    enum allocator_kind kind;
    char path[PATH_MAX]; /* the library, from the root; "" for ALLOCATOR_OF_SYSTEM */
    const char *policy;  /* for ALLOCATOR_POLICY */
};

/*
 * The allocator of that name, or the library at that path if it holds a '/'. Returns 0, or with a
 * line in *err: -EINVAL (no such name: with the nearest there is), -ENOPKG (not installed: with
 * the package), a negative errno of the file at the path, or -ENOEXEC (it is no allocator).
 */
int allocators_find(const char *name, struct allocator *out_allocator, struct err *err);

#endif
