/*
 * function_paths.h - call stacks as chains of function names, the same in two recordings whatever
 * became of addresses, lines and ids.
 *
 * A path is the functions from the root to the allocation. What differs between builds of one
 * source is taken off the names: suffixes of the compiler (.part.0, .constprop.0, [clone .cold]).
 * A function that is already on the path leads back to where it stands, so recursion, direct or
 * through others, counts once however deep it went. A function without a name is told by its
 * module and offset where both recordings ran the same build of the module, else by the module
 * alone. Single thread.
 */
#ifndef ALLOCAUDIT_FUNCTION_PATHS_H
#define ALLOCAUDIT_FUNCTION_PATHS_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "frame_table.h"
#include "stack_tree.h"
#include "trace.h"

struct function_paths; /* opaque */

#define FUNCTION_PATH_EMPTY 0u /* above every root */

/* Returns 0 and *out_paths is the caller's, or -ENOMEM. */
int function_paths_create(struct function_paths **out_paths, struct err *err);

/*
 * Adds the stacks of a recording. (*out_path_ids)[place] is the path of the stack at that place of
 * the tree; the array is the caller's to free(). `other` is the recording to compare with; NULL:
 * not known, no build is taken to be the same. Returns 0, -EBADMSG (a frame is missing) or -ENOMEM.
 */
int function_paths_add(struct function_paths *paths, const struct trace *trace,
                       const struct stack_tree *tree, const struct frame_table *frames,
                       const struct trace *other, uint32_t **out_path_ids, struct err *err);

/* Paths are numbered from 0 (the empty one) to this, callers before their callees. */
size_t function_paths_count(const struct function_paths *paths);

/* The path without its innermost function, and that function. */
uint32_t function_paths_caller(const struct function_paths *paths, uint32_t path_id);
const char *function_paths_name(const struct function_paths *paths, uint32_t path_id);

/* NULL is fine. */
void function_paths_destroy(struct function_paths *paths);

#endif
