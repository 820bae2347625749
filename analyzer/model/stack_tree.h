/*
 * stack_tree.h - the whole tree of call stacks in memory, for what concerns all of them: which
 * stacks hold a function, and what all stacks beneath a caller sum up to. About 90 ms per million
 * stacks.
 *
 * Stacks are told by their place in the tree: 0 to stack_tree_count()-1, a caller before its
 * callees.
 */
#ifndef ALLOCAUDIT_STACK_TREE_H
#define ALLOCAUDIT_STACK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/open.h"

struct stack_tree; /* opaque */

#define STACK_TREE_NONE SIZE_MAX

/* Returns 0 and *out_tree is the caller's; -EBADMSG where a caller is missing or comes after its
 * callee; or another negative errno. */
int stack_tree_load(struct db *db, struct stack_tree **out_tree, struct err *err);

size_t stack_tree_count(const struct stack_tree *tree);

/* The place of a stack, STACK_TREE_NONE if it is not there. */
size_t stack_tree_find(const struct stack_tree *tree, uint32_t stack_id);

uint32_t stack_tree_stack_id(const struct stack_tree *tree, size_t place);
uint32_t stack_tree_frame_id(const struct stack_tree *tree, size_t place);

/* The place of its caller, STACK_TREE_NONE at a root. */
size_t stack_tree_parent(const struct stack_tree *tree, size_t place);

/* Sets (*out_is_match)[place] for stacks that hold a frame like both globs (NULL: any). The array
 * is the caller's to free(). */
int stack_tree_match(const struct stack_tree *tree, const char *function_glob,
                     const char *module_glob, bool **out_is_match, struct err *err);

/* Turns what each stack has itself into what it and all beneath it have, in place. */
void stack_tree_sum_up(const struct stack_tree *tree, uint64_t *values);

/* NULL is fine. */
void stack_tree_destroy(struct stack_tree *tree);

#endif
