/*
 * turn_nodes.h - runs of allocations at each place of the tree of calls, and the levels at which
 * turns of a loop may show: the first reading of turns.h.
 *
 * Places are those of the stack tree. Single thread.
 */
#ifndef ALLOCAUDIT_TURN_NODES_H
#define ALLOCAUDIT_TURN_NODES_H

#include <stddef.h>
#include <stdint.h>

#include "../model/stack_tree.h"

enum {
    TURN_LEVELS_MAX = 12,
    TURN_KIDS_MAX = 64,      /* of more, those with most runs; the last stands for all others */
    TURN_CANDIDATES_MAX = 6, /* of a level: those with most runs */
};

struct turn_node {
    uint64_t first_ns; /* of its first and last run */
    uint64_t last_ns;
    uint64_t first_call; /* the same, counted in allocations of the thread */
    uint64_t last_call;
    uint32_t run_count;
    uint32_t depth; /* 1: a root */
};

struct turn_nodes {
    const struct stack_tree *tree;
    struct turn_node *nodes;
    uint64_t *call_counts; /* of each place; with all beneath it once they were summed up */
    uint64_t call_count;
    uint64_t started_ns; /* first and last allocation of the thread */
    uint64_t ended_ns;
    size_t last_place;
};

/* The calls beneath one caller. */
struct turn_level {
    size_t kids[TURN_KIDS_MAX]; /* places, by their runs, most first */
    size_t kid_count;
    size_t candidates[TURN_CANDIDATES_MAX]; /* kids that come through most of the thread's life */
    size_t candidate_count;
    uint8_t *kid_of; /* of each place of the tree: 1 + its kid, 0: it lies elsewhere */
};

/* Returns 0 or -ENOMEM. `tree` must outlive it. */
int turn_nodes_init(struct turn_nodes *nodes, const struct stack_tree *tree);

/* An allocation of the thread, in the order of time. */
void turn_nodes_note(struct turn_nodes *nodes, size_t place, uint64_t at_ns);

/*
 * After the last: the levels that have candidates, the outermost first, each kid_of to be freed.
 * out_levels has TURN_LEVELS_MAX. Returns 0 or -ENOMEM.
 */
int turn_nodes_find_levels(struct turn_nodes *nodes, struct turn_level *out_levels,
                           size_t *out_count);

void turn_nodes_fini(struct turn_nodes *nodes);

#endif
