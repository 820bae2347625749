#include "turn_nodes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "turns.h"

#define COVERAGE_LEAST 0.5 /* of the thread's allocations, or of its time */
#define WAY_LEAST      0.5 /* of the thread's allocations, to look further inward */

int turn_nodes_init(struct turn_nodes *nodes, const struct stack_tree *tree)
{
    size_t count = stack_tree_count(tree);
    *nodes = (struct turn_nodes){.tree = tree, .last_place = STACK_TREE_NONE};
    nodes->nodes = calloc(count + 1, sizeof(*nodes->nodes));
    nodes->call_counts = calloc(count + 1, sizeof(*nodes->call_counts));
    if (nodes->nodes == NULL || nodes->call_counts == NULL) {
        turn_nodes_fini(nodes);
        return -ENOMEM;
    }
    for (size_t place = 0; place < count; place++) {
        size_t parent = stack_tree_parent(tree, place);
        nodes->nodes[place].depth = parent == STACK_TREE_NONE ? 1 : nodes->nodes[parent].depth + 1;
    }
    return 0;
}

static void begin_run(struct turn_nodes *nodes, size_t place, uint64_t at_ns)
{
    struct turn_node *node = &nodes->nodes[place];
    if (node->run_count++ == 0) {
        node->first_ns = at_ns;
        node->first_call = nodes->call_count;
    }
    node->last_ns = at_ns;
    node->last_call = nodes->call_count;
}

static uint32_t depth_of(const struct turn_nodes *nodes, size_t place)
{
    return place == STACK_TREE_NONE ? 0 : nodes->nodes[place].depth;
}

/* What the stack has that the one before it had not begins a run. */
void turn_nodes_note(struct turn_nodes *nodes, size_t place, uint64_t at_ns)
{
    size_t old = nodes->last_place;
    size_t new = place;
    while (new != old) {
        if (depth_of(nodes, new) >= depth_of(nodes, old)) {
            begin_run(nodes, new, at_ns);
            size_t parent = stack_tree_parent(nodes->tree, new);
            old = depth_of(nodes, new) == depth_of(nodes, old) ? stack_tree_parent(nodes->tree, old)
                                                               : old;
            new = parent;
        } else {
            old = stack_tree_parent(nodes->tree, old);
        }
    }
    nodes->started_ns = nodes->call_count == 0 ? at_ns : nodes->started_ns;
    nodes->ended_ns = at_ns;
    nodes->call_counts[place]++;
    nodes->call_count++;
    nodes->last_place = place;
}

static bool is_candidate(const struct turn_nodes *nodes, size_t place)
{
    const struct turn_node *node = &nodes->nodes[place];
    double calls = (double)(node->last_call - node->first_call);
    double time_ns = (double)(node->last_ns - node->first_ns);
    return node->run_count > TURNS_LEAST &&
           (calls >= COVERAGE_LEAST * (double)nodes->call_count ||
            time_ns >= COVERAGE_LEAST * (double)(nodes->ended_ns - nodes->started_ns));
}

/* Kids stand by their runs; one that finds no room is among the others. */
static void add_kid(const struct turn_nodes *nodes, struct turn_level *level, size_t place)
{
    size_t at = level->kid_count;
    while (at > 0 && nodes->nodes[level->kids[at - 1]].run_count < nodes->nodes[place].run_count) {
        at--;
    }
    level->kid_count += level->kid_count < TURN_KIDS_MAX - 1;
    for (size_t i = level->kid_count - 1; i > at; i--) {
        level->kids[i] = level->kids[i - 1];
    }
    if (at < level->kid_count) {
        level->kids[at] = place;
    }
}

/* The kids of a caller (STACK_TREE_NONE: the roots); the one with most calls. */
static size_t gather_kids(const struct turn_nodes *nodes, size_t parent, struct turn_level *level)
{
    size_t heaviest = STACK_TREE_NONE;
    *level = (struct turn_level){.kid_of = NULL};
    for (size_t place = parent == STACK_TREE_NONE ? 0 : parent + 1;
         place < stack_tree_count(nodes->tree); place++) {
        if (stack_tree_parent(nodes->tree, place) != parent || nodes->call_counts[place] == 0) {
            continue;
        }
        add_kid(nodes, level, place);
        if (heaviest == STACK_TREE_NONE ||
            nodes->call_counts[place] > nodes->call_counts[heaviest]) {
            heaviest = place;
        }
    }
    for (size_t i = 0; i < level->kid_count && level->candidate_count < TURN_CANDIDATES_MAX; i++) {
        if (is_candidate(nodes, level->kids[i])) {
            level->candidates[level->candidate_count++] = i;
        }
    }
    return heaviest;
}

static int map_kids(const struct turn_nodes *nodes, size_t caller, struct turn_level *level)
{
    size_t count = stack_tree_count(nodes->tree);
    level->kid_of = calloc(count + 1, sizeof(*level->kid_of));
    if (level->kid_of == NULL) {
        return -ENOMEM;
    }
    for (size_t place = 0; place < count; place++) {
        size_t parent = stack_tree_parent(nodes->tree, place);
        if (parent == caller) {
            level->kid_of[place] = TURN_KIDS_MAX;
        } else if (parent != STACK_TREE_NONE) {
            level->kid_of[place] = level->kid_of[parent];
        }
        for (size_t i = 0; parent == caller && i < level->kid_count; i++) {
            if (level->kids[i] == place) {
                level->kid_of[place] = (uint8_t)(i + 1);
            }
        }
    }
    return 0;
}

int turn_nodes_find_levels(struct turn_nodes *nodes, struct turn_level *out_levels,
                           size_t *out_count)
{
    size_t caller = STACK_TREE_NONE;
    int result = 0;
    *out_count = 0;
    stack_tree_sum_up(nodes->tree, nodes->call_counts);
    while (*out_count < TURN_LEVELS_MAX && result == 0) {
        struct turn_level *level = &out_levels[*out_count];
        size_t heaviest = gather_kids(nodes, caller, level);
        if (level->candidate_count > 0 && level->kid_count > 1) {
            result = map_kids(nodes, caller, level);
            *out_count += result == 0;
        }
        caller = heaviest;
        if (heaviest == STACK_TREE_NONE ||
            (double)nodes->call_counts[heaviest] < WAY_LEAST * (double)nodes->call_count) {
            break;
        }
    }
    return result;
}

void turn_nodes_fini(struct turn_nodes *nodes)
{
    free(nodes->nodes);
    free(nodes->call_counts);
}
