/*
 * scope_stack.h - the state of the analysis of scopes (scopes.h): the scopes that each thread has
 * begun and not ended, and the sums of their names.
 *
 * scope_stack.c follows begins and ends, scopes.c the calls. Single thread.
 */
#ifndef ALLOCAUDIT_SCOPE_STACK_H
#define ALLOCAUDIT_SCOPE_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/map.h"
#include "../base/words.h"
#include "../db/query_mark.h"
#include "live_peaks.h"
#include "scopes.h"

/* A scope that has begun and not ended. */
struct open_scope {
    uint32_t number;    /* its place among the sums */
    bool is_repeated;   /* in one of its own name */
    uint64_t begins_ns; /* blocks born from here on are its own */
    uint64_t entry;     /* unlike that of any other entry */
    uint64_t moment;    /* of its begin: live_peaks_begin() */
    uint64_t allocation_count;
    uint64_t free_count;
    uint64_t allocated_bytes;
    uint64_t inner_allocation_count; /* of those, in scopes within it */
    uint64_t inner_allocated_bytes;
    uint64_t live_count; /* of its blocks */
    uint64_t live_bytes;
    uint64_t peak_bytes;
    uint64_t temporary_count;
};

/* One thread's open scopes, the innermost last. */
struct scope_thread {
    struct open_scope *scopes;
    size_t count;
    size_t capacity;
    uint64_t last_id; /* of the block that it allocated last */
};

/* What a name gathers beside its sums. */
struct scope_spreads {
    struct value_spread figures[SCOPE_FIGURE_COUNT];
};

struct scopes_state {
    struct scopes answer; /* first: what others take the state for */
    const struct trace *trace;
    uint32_t process_id;
    struct scope_spreads *spreads; /* beside answer.sums */
    size_t sum_capacity;
    size_t spread_capacity;
    struct words names;
    struct map pairs; /* number and thread that were seen together */
    struct scope_site *sites;
    size_t site_count;
    size_t site_capacity;
    struct map site_places; /* by number and stack */
    struct scope_thread *threads;
    size_t thread_count;
    size_t thread_capacity;
    struct map thread_places;
    struct mark_cursor *marks;
    uint64_t entry_count; /* begun so far */
    size_t open_count;    /* in all threads */
    struct live_peaks peaks;
    struct map leak_kinds; /* by id, of blocks that are live at the end */
    struct scope_leak *leaks;
    size_t leak_count;
    size_t leak_capacity;
};

/* What the thread has open, or NULL if it never began a scope. */
struct scope_thread *scope_thread_find(const struct scopes_state *state, uint32_t thread_id);

/* A scope begins, or ends with those within it. Return 0 or -ENOMEM. */
int scope_stack_begin(struct scopes_state *state, const struct mark_row *mark);
int scope_stack_end(struct scopes_state *state, const struct mark_row *mark);

/* Ends the innermost scope of a thread that has one. Returns 0 or -ENOMEM. */
int scope_stack_pop(struct scopes_state *state, struct scope_thread *thread, bool is_unended);

#endif
