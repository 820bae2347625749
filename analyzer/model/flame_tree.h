/*
 * flame_tree.h - the tree of call stacks with what each allocated itself, by several keys at once,
 * cut to its heaviest nodes: what a flame graph is drawn from.
 *
 * What a node that was left out had, with all beneath it, is added to `smaller` of its caller, so
 * every sum is that of the whole tree. Single thread.
 */
#ifndef ALLOCAUDIT_FLAME_TREE_H
#define ALLOCAUDIT_FLAME_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "sites.h"

#define FLAME_TREE_NONE UINT32_MAX

struct flame_node {
    uint32_t parent; /* its place among the nodes; FLAME_TREE_NONE: a root */
    uint32_t stack_id;
    uint32_t frame_id;
};

struct flame_tree {
    struct flame_node *nodes; /* by stack_id, and so callers before their callees */
    size_t count;
    uint64_t *own[SITE_KEY_COUNT_ALL];     /* [node]; NULL: that key is not there */
    uint64_t *smaller[SITE_KEY_COUNT_ALL]; /* [node], and [count] for what lies beneath no node */
    uint64_t totals[SITE_KEY_COUNT_ALL];
    size_t left_out_count; /* stacks with a value that got no node */
};

/*
 * Takes the `limit` nodes with the largest share of any of the keys (key_set; those that are not
 * loaded are left out), and besides these stack_ids[0..stack_count) with their callers. Returns 0
 * and *out_tree is to be ended with flame_tree_fini(), or a negative errno.
 */
int flame_tree_build(struct db *db, const struct sites *sites, unsigned key_set, size_t limit,
                     const uint32_t *stack_ids, size_t stack_count, struct flame_tree *out_tree,
                     struct err *err);

/* The node of a stack, FLAME_TREE_NONE if it has none. */
uint32_t flame_tree_find(const struct flame_tree *tree, uint32_t stack_id);

/* A zeroed one is fine. */
void flame_tree_fini(struct flame_tree *tree);

#endif
