/*
 * scopes.h - what a program allocates in the parts of it that it has named (allocaudit_scope_begin
 * and _end, rows of `mark`).
 *
 * A scope belongs to the thread that begins it, and holds the allocations of that thread until its
 * end, those of scopes begun within it included. Its survivors are blocks allocated in it that are
 * live at its end, whoever frees them later. An end that names an outer scope ends the inner ones
 * too, as after a longjmp; they and those that never end count up to there, and as unended.
 *
 * Memory grows with what is live, and with the stacks that allocate in each name.
 */
#ifndef ALLOCAUDIT_SCOPES_H
#define ALLOCAUDIT_SCOPES_H

#include <stddef.h>
#include <stdint.h>

#include "analysis.h"
#include "spread.h"

/* What one call stack allocates in the scopes of one name. */
struct scope_site {
    uint32_t number; /* of the name; the analysis's own */
    uint32_t stack_id;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
};

/* All entries of one name. */
struct scope_sum {
    const char *name; /* lives as long as the state */
    uint64_t entry_count;
    uint64_t unended_count; /* entries that were not ended by their own end */
    uint32_t thread_count;
    uint64_t allocation_count; /* a scope within one of its own name counts once */
    uint64_t free_count;       /* by its thread, of whatever blocks */
    uint64_t allocated_bytes;
    uint64_t own_allocation_count; /* not in a scope within it */
    uint64_t own_allocated_bytes;
    uint64_t survivor_count;
    uint64_t survivor_bytes;
    struct spread_figures allocations; /* of one entry */
    struct spread_figures bytes;
    struct spread_figures peaks; /* most bytes of blocks of the entry live at one moment in it */
    struct spread_figures survivors;
    struct spread_figures
        temporaries; /* blocks freed in it by its thread before its next allocation */
    const struct scope_site *sites; /* by allocations, most first, then by stack */
    size_t site_count;
};

struct scopes {
    struct scope_sum *sums; /* by allocations, most first, then by name */
    size_t count;
    uint64_t unmatched_end_count; /* ends of scopes that had not begun */
};

/* Its state is a struct scopes. */
extern const struct analysis scopes_analysis;

#endif
