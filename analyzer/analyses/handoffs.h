/*
 * handoffs.h - who allocates and who frees: a matrix by groups of threads.
 *
 * Threads of one name but for its number ("worker-1", "worker-2") are a group ("worker-*"), as are
 * those without a name. A realloc frees the old block.
 */
#ifndef ALLOCAUDIT_HANDOFFS_H
#define ALLOCAUDIT_HANDOFFS_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"

enum {
    HANDOFF_NAME_BYTES = 32,
};

struct handoff_group {
    char name[HANDOFF_NAME_BYTES];
    uint64_t thread_count;
};

/* Blocks that a group made and one (perhaps the same) freed. */
struct handoff_cell {
    uint32_t owner; /* index of a group */
    uint32_t freer;
    uint64_t own_count;    /* freed by the very thread that made them */
    uint64_t remote_count; /* by another thread */
    uint64_t remote_bytes;
};

struct handoffs {
    struct handoff_group *groups; /* in the order of their first thread */
    size_t group_count;
    struct handoff_cell *cells; /* most freed by other threads first */
    size_t cell_count;
    uint64_t free_count;
    uint64_t remote_free_count;
    /* Half the sum over threads of |blocks given away - blocks of others freed|, of all frees: 1
     * where one side only makes and the other only frees (Berger et al., "Hoard", ASPLOS 2000: that
     * is what makes private heaps grow without bound). */
    double skew;
};

extern const struct analysis handoffs_analysis;

/* The answer of a finished state. */
const struct handoffs *handoffs_of(const void *state);

/* The name of the group of a thread of that name (NULL: it has none). */
void handoffs_group_name(const char *name, char out_name[HANDOFF_NAME_BYTES]);

#endif
