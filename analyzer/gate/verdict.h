/*
 * verdict.h - the outcome of a gate as plain lines, for the forms that machines read: JUnit XML, a
 * Markdown summary, GitHub annotations.
 *
 * verdict_write_*() return 0 or a negative errno of the write. Single thread.
 */
#ifndef ALLOCAUDIT_VERDICT_H
#define ALLOCAUDIT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../base/err.h"
#include "../base/str.h"

enum verdict_kind {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_BETTER, /* less than the baseline: a reason to renew it */
    VERDICT_UNJUDGED,
};

/* One limit, or one figure of a baseline. Texts are owned. */
struct verdict_line {
    enum verdict_kind kind;
    const char *group; /* "budget" or "baseline" */
    char *name;        /* "functions 'parse_*': allocation_count" */
    char *said;        /* "12 allocations, at most 10 allowed" */
    char *culprit;     /* the function, or path of functions; NULL: none is named */
    char *amount;      /* its figure; of a baseline "2 -> 7" */
    char *file;        /* the culprit's source file, line; NULL: not known */
    unsigned line;
};

struct verdict {
    struct verdict_line *lines;
    size_t count;
    size_t capacity;
    bool is_strict;     /* what is better fails, too */
    const char *folder; /* source files beneath it are named as from there; the caller's */
    const char *more;   /* what to type to see more; the caller's */
};

/* Adds a line, whose texts become the verdict's; on failure (-ENOMEM) they are freed. */
int verdict_add(struct verdict *verdict, struct verdict_line line, struct err *err);

size_t verdict_count(const struct verdict *verdict, enum verdict_kind kind);

/* What a test that is not met is. */
bool verdict_fails(const struct verdict *verdict, const struct verdict_line *line);
size_t verdict_failed_count(const struct verdict *verdict);

/* The line's source file, from the verdict's folder where it is beneath it. */
const char *verdict_file(const struct verdict *verdict, const struct verdict_line *line);

/* Appends "parse_line (src/config.c:17): 7", or nothing where no culprit is named. Returns 0 or
 * -ENOMEM. */
int verdict_append_culprit(const struct verdict *verdict, const struct verdict_line *line,
                           struct str *text);

int verdict_write_junit(const struct verdict *verdict, FILE *stream);
int verdict_write_markdown(const struct verdict *verdict, FILE *stream);
int verdict_write_github(const struct verdict *verdict, FILE *stream);

/* A zeroed one is fine. */
void verdict_fini(struct verdict *verdict);

#endif
