/*
 * candidate.h - what takes part in a trial: an allocator with settings, under the name by which
 * the user knows it.
 *
 * Candidates come from two options. The list "glibc,jemalloc,jemalloc@small,./libmine.so" names
 * them: an allocator of catalog/allocators.h (a policy with its own settings, too), and behind '@'
 * whatever tells two of the same apart. Settings are "NAME=VALUE" for all of them, or
 * "jemalloc@small:NAME=VALUE" for one. Lists of values ("NAME=1,2,3", for all) make one candidate
 * of each combination (setting_grid.h).
 */
#ifndef ALLOCAUDIT_CANDIDATE_H
#define ALLOCAUDIT_CANDIDATE_H

#include <stddef.h>

#include "../base/err.h"
#include "../base/str.h"
#include "../catalog/allocators.h"
#include "variables.h"

struct candidate {
    char *label; /* as in the list */
    struct allocator allocator;
    const char **settings; /* NAME=VALUE, borrowed */
    size_t setting_count;
    char *absence; /* why it cannot take part; NULL: it can */
};

/* Zeroed is a valid empty one; candidates_fini() frees it. */
struct candidates {
    struct candidate *items;
    size_t count;
    size_t capacity;
    char **texts; /* settings that were made of lists */
    size_t text_count;
    size_t text_capacity;
};

/*
 * Adds what the list and the settings say. An allocator that is not installed is there and has an
 * absence. Returns 0, or with a line in *err -EINVAL (a mistake in the list or the settings),
 * -ENOMEM, or a negative errno of a library given by its path.
 */
int candidates_parse(struct candidates *candidates, const char *list, const char *const *settings,
                     size_t setting_count, struct err *err);

void candidates_fini(struct candidates *candidates);

/* Adds our own environment with what makes a program run on the candidate. 0 or -ENOMEM. */
int candidate_fill_variables(const struct candidate *candidate, struct variables *variables);

/* Appends the line that a shell needs to run the command like that. Returns 0 or -ENOMEM. */
int candidate_append_command(const struct candidate *candidate, char *const *command,
                             struct str *line);

#endif
