/*
 * allocators.h - the allocators that allocaudit knows by name: which library each is, where it
 * lies, and which package brings it. The one table of them, for every command.
 *
 * No state. Any thread.
 */
#ifndef ALLOCAUDIT_ALLOCATORS_H
#define ALLOCAUDIT_ALLOCATORS_H

#include <limits.h>
#include <stddef.h>

#include "../base/err.h"

enum {
    ALLOCATOR_POLICY_BYTES = 1024,
};

enum allocator_kind {
    ALLOCATOR_GLIBC, /* the C library's own: nothing is preloaded */
    ALLOCATOR_JEMALLOC,
    ALLOCATOR_TCMALLOC,
    ALLOCATOR_MIMALLOC,
    ALLOCATOR_POLICY, /* one of ours: our own library, told which */
    ALLOCATOR_FILE,   /* a library that was named by its path */
};

struct allocator {
    enum allocator_kind kind;
    char path[PATH_MAX]; /* the library, from the root, for LD_PRELOAD; "" for ALLOCATOR_GLIBC */
    char policy[ALLOCATOR_POLICY_BYTES]; /* of ALLOCATOR_POLICY, for POLICY_ENV; else "" */
};

/*
 * The allocator of that name ("jemalloc", "pool", "pool:chunk_bytes=16384"), or the library at that
 * path if it holds a '/'. Returns 0, or with a line in *err: -EINVAL (no such name or policy: with
 * the nearest there is), -ENOPKG (not installed: with the package), a negative errno of the file at
 * the path or of our own library, or -ENOEXEC (it is no allocator).
 */
int allocators_find(const char *name, struct allocator *out_allocator, struct err *err);

/* How long the first name in a list with commas is. Those between the settings of a policy, as in
 * "pool:chunk_bytes=16384,spare_chunks=0,glibc", end no name. */
size_t allocators_name_length(const char *list);

#endif
