/*
 * mapping_kind.h - what the mappings of a process are for: memory_sample.kind.
 */
#ifndef ALLOCAUDIT_MAPPING_KIND_H
#define ALLOCAUDIT_MAPPING_KIND_H

/* The names are those in the database. */
#define MAPPING_KINDS(X)                                                                           \
    X(HEAP, "heap")           /* what brk made: [heap] */                                          \
    X(ANONYMOUS, "anonymous") /* nameless: the allocator's and the program's own */                \
    X(STACK, "stack")         /* of the first thread; of others: nameless, above a guard page */   \
    X(CODE, "code")           /* executable parts of files */                                      \
    X(FILE, "file")           /* other parts of files, and what libraries have zero-initialised */ \
    X(SHARED, "shared")       /* shared memory */                                                  \
    X(RECORDER, "recorder")   /* liballocaudit.so, its ring and its tables */                      \
    X(OTHER, "other")         /* the kernel's own pages */

enum mapping_kind {
#define X(name, text) MAPPING_##name,
    MAPPING_KINDS(X)
#undef X
    MAPPING_KIND_COUNT
};

static inline const char *mapping_kind_name(enum mapping_kind kind)
{
    static const char *const names[] = {
#define X(name, text) [MAPPING_##name] = (text),
        MAPPING_KINDS(X)
#undef X
    };
    return names[kind];
}

#endif
