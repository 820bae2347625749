/*
 * scopes.h - what a program allocates in the parts of it that it has named (allocaudit_scope_begin
 * and _end, rows of `mark`).
 *
 * A scope belongs to the thread that begins it, and holds the allocations of that thread until its
 * end, those of scopes begun within it included. Its survivors are blocks allocated in it that are
 * live at its end, whoever frees them later; its leaks those that are live when the process ends,
 * by whether anything led to them then. An end that names an outer scope ends the inner ones
 * too, as after a longjmp; they and those that never end count up to there, and as unended.
 *
 * Memory grows with what is live, and with the stacks that allocate in each name.
 */
#ifndef ALLOCAUDIT_SCOPES_H
#define ALLOCAUDIT_SCOPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../db/query_leak.h"
#include "analysis.h"
#include "spread.h"

/* What one call stack allocates in the scopes of one name. */
struct scope_site {
    uint32_t number; /* of the name; the analysis's own */
    uint32_t stack_id;
    uint64_t allocation_count;
    uint64_t allocated_bytes;
};

/* A block of an entry that was live when the process ended. */
struct scope_leak {
    uint64_t entry; /* the analysis's own number; that of one entry is the same */
    uint64_t size_bytes;
    uint32_t number;
    uint32_t stack_id;
    enum leak_kind kind; /* LEAK_UNKNOWN: nobody has looked */
    bool is_repeated;    /* in a scope within one of its own name */
};

/* What is known of each entry. */
enum scope_figure {
    SCOPE_ALLOCATION_COUNT,
    SCOPE_ALLOCATED_BYTES,
    SCOPE_PEAK_BYTES, /* most bytes of blocks of the entry live at one moment in it */
    SCOPE_SURVIVOR_COUNT,
    SCOPE_SURVIVOR_BYTES,
    SCOPE_TEMPORARY_COUNT,    /* blocks freed in it by its thread before its next allocation */
    SCOPE_PROCESS_PEAK_BYTES, /* most bytes of all blocks of the process live at one moment in it */
    SCOPE_FIGURE_COUNT
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
    uint64_t leaked_count[LEAK_KIND_COUNT];
    uint64_t leaked_bytes[LEAK_KIND_COUNT];
    struct spread_figures figures[SCOPE_FIGURE_COUNT];
    const struct scope_site *sites; /* by allocations, most first, then by stack */
    size_t site_count;
    const struct scope_leak *leaks; /* by entry, then by stack */
    size_t leak_count;
};

struct scopes {
    struct scope_sum *sums; /* by allocations, most first, then by name */
    size_t count;
    uint64_t unmatched_end_count; /* ends of scopes that had not begun */
};

/* Its state is a struct scopes. */
extern const struct analysis scopes_analysis;

#endif
