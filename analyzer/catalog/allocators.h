/*
 * allocators.h - the allocators that have a name here, and where their libraries lie.
 *
 * Single table, no state. Any thread.
 */
#ifndef ALLOCAUDIT_ALLOCATORS_H
#define ALLOCAUDIT_ALLOCATORS_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/err.h"

enum allocator_kind {
    ALLOCATOR_GLIBC, /* the C library's own: nothing is preloaded */
    ALLOCATOR_JEMALLOC,
    ALLOCATOR_TCMALLOC,
    ALLOCATOR_MIMALLOC,
    ALLOCATOR_POLICY, /* one of ours, in liballocaudit.so */
    ALLOCATOR_FILE,   /* a library that was named by its path */
};

struct allocator {
    const char *name;
    enum allocator_kind kind;
    const char *const *libraries; /* file names, the likeliest first, NULL-ended; NULL: none */
    const char *package;          /* of Debian; NULL: none */
};

/* The row of that name, or NULL. */
const struct allocator *allocators_find(const char *name);

/* The nearest name to a misspelt one, or NULL if none is near. */
const char *allocators_suggest(const char *name);

/* All names, ", " between them. */
void allocators_list(char *out_text, size_t size_bytes);

/* The path of a row's library, for LD_PRELOAD: "" for ALLOCATOR_GLIBC and ALLOCATOR_POLICY. Returns
 * 0, or -ENOENT with a line that names the package. */
int allocators_locate(const struct allocator *allocator, char *out_path, size_t size_bytes,
                      struct err *err);

#endif
