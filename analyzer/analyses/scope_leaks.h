/*
 * scope_leaks.h - of the blocks that were allocated in scopes, those that were live when their
 * process ended, and whether anything led to them then.
 *
 * Memory grows with the number of such blocks. Single thread.
 */
#ifndef ALLOCAUDIT_SCOPE_LEAKS_H
#define ALLOCAUDIT_SCOPE_LEAKS_H

#include "scope_stack.h"

/* Reads which blocks those are. Returns 0 or a negative errno. */
int scope_leaks_load(struct scopes_state *state, struct err *err);

/* A block is born in an open scope. Returns 0 or -ENOMEM. */
int scope_leaks_note(struct scopes_state *state, const struct open_scope *scope,
                     const struct block_facts *block);

/* Gives the sums, which stand by number, their leaks. */
void scope_leaks_hand_out(struct scopes_state *state);

#endif
