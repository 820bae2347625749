/*
 * folklore.h - which allocator is often said to be the one for a kind of program, so that a
 * recommendation can say whether that holds for this one.
 *
 * No state. Any thread.
 */
#ifndef ALLOCAUDIT_FOLKLORE_H
#define ALLOCAUDIT_FOLKLORE_H

#include <stdbool.h>
#include <stddef.h>

#include "decision.h"
#include "evidence.h"
#include "goal.h"

struct saying {
    const char *kind;      /* of program: "a game, or what else has frames" */
    const char *allocator; /* as in the catalog, without settings */
    bool (*is_about)(const struct evidence *evidence, enum advice_goal goal);
};

/* All of them; *out_count are there. */
const struct saying *folklore_sayings(size_t *out_count);

/* True if the candidate ("pool:chunk_bytes=4096") is the saying's allocator, with any settings. */
bool saying_means(const struct saying *saying, const char *allocator);

/* A choice this far from the best, weighed, is as good. */
#define FOLKLORE_TOLERANCE 0.02

/* True if the said one is about as good as the best that may be taken (NULL: the recorded one), and
 * makes nothing worse than the goal allows. */
bool saying_holds(const struct goal *goal, const struct contender *said,
                  const struct contender *best);

#endif
