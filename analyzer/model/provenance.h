/*
 * provenance.h - in what two recordings were made differently: the program, its build, what served
 * it, and how much of it was recorded. Where there is nothing to tell, what changed is the
 * program's own doing.
 */
#ifndef ALLOCAUDIT_PROVENANCE_H
#define ALLOCAUDIT_PROVENANCE_H

#include <stddef.h>

#include "../base/err.h"
#include "matched_sites.h"

/* One thing that differs. Texts are owned. */
struct provenance_row {
    char *what; /* "allocator" */
    char *values[SIDE_COUNT];
    const char *effect; /* what that does to the figures */
};

struct provenance {
    struct provenance_row *rows;
    size_t count;
    size_t capacity;
};

/* Returns 0 and *out_provenance is to be ended with provenance_fini(), or -ENOMEM. */
int provenance_compare(const struct matched_side sides[SIDE_COUNT],
                       struct provenance *out_provenance, struct err *err);

/* A zeroed one is fine. */
void provenance_fini(struct provenance *provenance);

#endif
