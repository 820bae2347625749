/*
 * leak_kind.h - whether a block that is live at the end can still be reached: the words of the
 * column `leak_kind`. As Valgrind's memcheck defines them.
 */
#ifndef ALLOCAUDIT_LEAK_KIND_H
#define ALLOCAUDIT_LEAK_KIND_H

#include <stddef.h>

#define LEAK_KINDS(X)                                                                              \
    X(DEFINITE, "definite")   /* nothing points to it */                                           \
    X(INDIRECT, "indirect")   /* only lost blocks point to it */                                   \
    X(POSSIBLE, "possible")   /* only pointers into its middle lead to it */                       \
    X(REACHABLE, "reachable") /* a chain of pointers to blocks' beginnings leads to it */

enum leak_kind {
    LEAK_UNKNOWN = 0, /* NULL in the database */
#define X(name, word) LEAK_##name,
    LEAK_KINDS(X)
#undef X
    LEAK_KIND_COUNT
};

#define LEAK_BIT(kind) (1u << (kind))

/* NULL for LEAK_UNKNOWN. */
static inline const char *leak_kind_word(unsigned kind)
{
    static const char *const words[LEAK_KIND_COUNT] = {NULL,
#define X(name, word) (word),
                                                       LEAK_KINDS(X)
#undef X
    };
    return words[kind];
}

#endif
