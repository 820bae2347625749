/*
 * thread_arena.h - the frame arenas of the replay's threads: what those calls do that the script
 * marks as an arena's (script.h).
 *
 * All arenas are heaps of one frame policy, and a thread's is opened by its first block. So a block
 * that another thread frees goes back as in a program that is served by that policy. One thread at
 * a time for each.
 */
#ifndef ALLOCAUDIT_THREAD_ARENA_H
#define ALLOCAUDIT_THREAD_ARENA_H

#include "../../../interposer/policy/policy.h"
#include "stage.h"

struct thread_arena {
    struct backing *backing;
    struct policy *policy;
    struct policy_heap *heap; /* NULL: it has had no block yet */
};

/* One for each stream, until the process ends; 0 and NULL if the script has none, or -ENOMEM. */
int thread_arenas_open(const struct script_head *head, struct thread_arena **out_arenas);

/*
 * Carries out a record with arenas: what it takes, or NULL. A take that is declined, and a block of
 * which the take was, go to malloc and its kin.
 */
void *thread_arena_call(struct thread_arena *arena, const struct script_record *record, void *old,
                        size_t old_bytes);

/* The thread's frame ends. */
void thread_arena_end_frame(struct thread_arena *arena);

#endif
