/*
 * remedy.h - the allocators and settings that may be advised, and for which programs and goals each
 * is worth a replay.
 *
 * None of them can end a program, deny it memory or change what its calls mean (knobs.h marks those
 * that can). Settings that only work as time passes, or in threads of the allocator's own, are not
 * here: a replay at full speed cannot show what they do. No state.
 */
#ifndef ALLOCAUDIT_REMEDY_H
#define ALLOCAUDIT_REMEDY_H

#include <stdbool.h>
#include <stddef.h>

#include "evidence.h"
#include "goal.h"

struct remedy {
    const char *label;     /* "jemalloc, gives back at once" */
    const char *allocator; /* as in the catalog, a policy's settings included */
    const char *pair;      /* NAME=VALUE; NULL: as it is */
    unsigned goals;        /* 1 << enum advice_goal */
    double effort;         /* how much more it must gain than one with less of it */
    bool is_variant;       /* tried only if its allocator is among the best two */
    bool (*suits)(const struct evidence *evidence); /* NULL: any program */
    const char *because; /* what of the program speaks for it; NULL: figures alone do */
};

/* All of them; *out_count are there. */
const struct remedy *remedies(size_t *out_count);

/* True if the remedy is worth a try for that program and goal. */
bool remedy_suits(const struct remedy *remedy, const struct evidence *evidence,
                  enum advice_goal goal);

#endif
