/*
 * stacktree.h - all call stacks of a run as one prefix tree, and the code addresses in them.
 *
 * A code address is (module, offset), so that processes which load the same file at different
 * places share their stacks. Ids are those of the tables `frame` and `stack`. Single thread.
 */
#ifndef ALLOCAUDIT_STACKTREE_H
#define ALLOCAUDIT_STACKTREE_H

#include <stddef.h>
#include <stdint.h>

#include "../../base/map.h"

enum {
    FRAME_CUT = 0,     /* stands for the frames beyond the depth limit */
    FRAME_UNKNOWN = 1, /* stands for a stack that could not be taken */
    FRAME_FIRST = 2,
    STACK_ROOT = 0, /* no stack; the parent of roots */
};

struct code_address {
    uint32_t module; /* index in the run's modules + 1; 0: in none, offset is an address */
    uint64_t offset;
};

struct stack_node {
    uint32_t parent;
    uint32_t frame;
    uint32_t depth;
};

struct stacktree {
    struct code_address *frames; /* [FRAME_FIRST, frame_count) are real */
    size_t frame_count;
    size_t frame_capacity;
    struct map frame_ids;     /* hash of (module, offset) -> frame id */
    struct stack_node *nodes; /* [1, node_count) */
    size_t node_count;
    size_t node_capacity;
    uint32_t *node_slots; /* open addressing over (parent, frame) */
    size_t node_slot_count;
};

/* Returns 0 or -ENOMEM. */
int stacktree_init(struct stacktree *tree);
void stacktree_fini(struct stacktree *tree);

/* The frame of a code address, added if it is new. Returns 0 or -ENOMEM. */
int stacktree_frame(struct stacktree *tree, struct code_address address, uint32_t *out_frame);

/* The child of `parent` (STACK_ROOT for a root) that is `frame`. Returns 0 or -ENOMEM. */
int stacktree_child(struct stacktree *tree, uint32_t parent, uint32_t frame, uint32_t *out_node);

#endif
