/*
 * site_paths.h - the sites of one recording by the names of the functions that lead to them
 * (function_paths.h), as texts: what can be committed and found again in another build.
 *
 * A text names the functions from the allocation outward, "parse_line < load_config < main",
 * without the allocator's wrappers at its front and without what comes before main or a thread's
 * first function. Sites with equal texts are one. Single thread.
 */
#ifndef ALLOCAUDIT_SITE_PATHS_H
#define ALLOCAUDIT_SITE_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "sites.h"
#include "trace.h"

/* Of the sites of one path, that with the most of a figure. */
struct site_path_most {
    uint32_t stack_id;
    uint64_t value;
};

struct site_path {
    char *text;
    uint64_t values[SITE_KEY_COUNT_ALL]; /* summed over its sites; 0 where a key was not loaded */
    uint32_t stack_id;                   /* of its site with the most allocations */
    uint64_t stack_count;                /* that site's allocations */
    struct site_path_most most[SITE_KEY_COUNT_ALL]; /* likewise, of each figure */
};

/* True of what calls main or a thread's first function. */
bool site_path_is_before_main(const char *function);

struct site_paths {
    struct site_path *items; /* by text */
    size_t count;
    size_t capacity;
};

/* Names the sites with the keys that they were loaded with, but those of places where is_left_out
 * is set (NULL: none). Returns 0 and *out_paths is to be ended with site_paths_fini(), or a
 * negative errno. */
int site_paths_make(const struct trace *trace, const struct sites *sites, const bool *is_left_out,
                    struct site_paths *out_paths, struct err *err);

/* The path of that text, or NULL. */
const struct site_path *site_paths_find(const struct site_paths *paths, const char *text);

/* A zeroed one is fine. */
void site_paths_fini(struct site_paths *paths);

#endif
