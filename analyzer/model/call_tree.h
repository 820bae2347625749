/*
 * call_tree.h - sites summed up by their callers, from the roots down, cut to the heaviest
 * branches.
 *
 * Calls of one function from several places of its caller are one node; a chain of nodes that only
 * have one callee each is one node, too. Single thread.
 */
#ifndef ALLOCAUDIT_CALL_TREE_H
#define ALLOCAUDIT_CALL_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "sites.h"
#include "stacks.h"

struct call_node {
    char *names;       /* "main > run > parse": outermost first */
    uint32_t stack_id; /* the heaviest stack at the end of the chain */
    unsigned level;    /* 0: a root */
    uint64_t value;    /* of everything beneath it and its own */
    uint64_t own;      /* of sites that end here */
    size_t parent;     /* its index; SIZE_MAX: none */
};

struct call_tree {
    struct call_node *nodes; /* in the order in which they are shown: parents first */
    size_t count;
    uint64_t total;
    size_t hidden_count; /* nodes known of that did not get a place */
};

/*
 * The `limit` heaviest nodes by `key`, which must be loaded. root_stack_id: only what lies beneath
 * this stack; 0: all. Returns 0 and *out_tree is to be ended with call_tree_fini(); -ENOENT for an
 * unknown stack; or another negative errno.
 */
int call_tree_build(struct db *db, struct stacks *stacks, const struct sites *sites,
                    enum site_key key, uint32_t root_stack_id, size_t limit,
                    struct call_tree *out_tree, struct err *err);

/* A zeroed one is fine. */
void call_tree_fini(struct call_tree *tree);

#endif
