/*
 * stacks.h - call stacks spelled out, looked up one by one: a report shows a few dozens of many
 * thousands, so the tree is never read whole here (stack_tree.h does).
 *
 * Frames live until stacks_destroy(). Single thread.
 */
#ifndef ALLOCAUDIT_STACKS_H
#define ALLOCAUDIT_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../db/open.h"

/* One function of a stack. Several of one address follow one another, the innermost first. */
struct stack_frame {
    const char *function; /* "module+0xoffset" where unknown */
    const char *file;     /* NULL: not known */
    const char *module;   /* path; NULL: not known */
    uint32_t line;        /* 0: not known */
    bool is_inlined;      /* into the frame that follows */
};

struct call_stack {
    const struct stack_frame **frames; /* [0] is nearest to the allocation */
    size_t count;
    bool is_cut;        /* frames at the root end were left out: deeper than the limit */
    size_t shown_index; /* the first frame that is no allocator's wrapper; else the last */
};

struct stacks; /* opaque: a cache */

int stacks_create(struct db *db, struct stacks **out_stacks, struct err *err);

/*
 * Spells out a stack; *out_stack is the caller's, to be ended with call_stack_fini(). Returns 0,
 * -ENOENT (no such stack), -EBADMSG (the tree is damaged) or another negative errno.
 */
int stacks_expand(struct stacks *stacks, uint32_t stack_id, struct call_stack *out_stack,
                  struct err *err);

/* The functions at one frame, as a stack of their own. */
int stacks_expand_frame(struct stacks *stacks, uint32_t frame_id, struct call_stack *out_stack,
                        struct err *err);

/* The frame to show for the whole stack; NULL if it is empty. */
const struct stack_frame *call_stack_shown(const struct call_stack *stack);

/* Frees the array, not the frames. A zeroed one is fine. */
void call_stack_fini(struct call_stack *stack);

/* NULL is fine. */
void stacks_destroy(struct stacks *stacks);

#endif
