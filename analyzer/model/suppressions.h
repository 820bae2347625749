/*
 * suppressions.h - leaks that are known and shall not count: files as LeakSanitizer reads them.
 *
 *     # a comment
 *     leak:libfontconfig          a function, source file or module of the stack holds this text
 *     leak:^init_*_table$         anchored; * stands for anything
 *
 * Lines of other kinds (race:, ...), which such a file may hold for other sanitizers, are an error
 * there and so here. Single thread.
 */
#ifndef ALLOCAUDIT_SUPPRESSIONS_H
#define ALLOCAUDIT_SUPPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../base/err.h"
#include "stacks.h"

struct suppression {
    char *pattern;
    uint64_t leaked_count; /* what it has suppressed */
    uint64_t leaked_bytes;
};

struct suppressions {
    struct suppression *items; /* in the order of the file */
    size_t count;
    size_t capacity;
};

/* Returns 0, the errno of reading the file, or -EINVAL: err says "FILE:LINE: what is wrong".
 * suppressions_fini() in any case. */
int suppressions_read(struct suppressions *suppressions, const char *path, struct err *err);

/* The same of an open file, which stays the caller's; `path` is for what err says. */
int suppressions_read_stream(struct suppressions *suppressions, FILE *file, const char *path,
                             struct err *err);

void suppressions_fini(struct suppressions *suppressions);

/* The first that a frame of the stack matches, or NULL. */
struct suppression *suppressions_match(const struct suppressions *suppressions,
                                       const struct call_stack *stack);

/* True if the text matches the pattern as LeakSanitizer has it. */
bool suppression_is_like(const char *pattern, const char *text);

#endif
