/*
 * leaked_stacks.h - which sites of a process the stacks in LeakSanitizer's report are.
 *
 * LeakSanitizer walks stacks in its own way: inside of its runtime they look different from ours,
 * and they may end where code keeps no frame pointers. A stack is recognised by the call that
 * allocated and as many of its callers as both know. Single thread.
 */
#ifndef ALLOCAUDIT_LEAKED_STACKS_H
#define ALLOCAUDIT_LEAKED_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subject;

struct leaked_stack {
    uint32_t stack_id;
    uint64_t block_count; /* that the report names */
};

struct leaked_stacks {
    struct subject *subject;
    struct leaked_stack *items;
    size_t count;
    size_t capacity;
    uint64_t work_left; /* frames that may still be compared */
};

/* To be ended by leaked_stacks_end(). */
void leaked_stacks_begin(struct leaked_stacks *stacks, struct subject *subject);

/*
 * frames: the innermost first, which is in the runtime. *out_stack_id: the stack that block_count
 * of the live blocks have, or 0: it is not known which. Returns 0 or -ENOMEM.
 */
int leaked_stacks_find(struct leaked_stacks *stacks, const uint64_t *frames, size_t frame_count,
                       uint64_t block_count, uint32_t *out_stack_id);

/* True if what was found for this stack adds up to all live blocks that it has. */
bool leaked_stacks_are_all(const struct leaked_stacks *stacks, uint32_t stack_id);

void leaked_stacks_end(struct leaked_stacks *stacks);

#endif
