#include "stack_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"
#include "../db/query_stack.h"

struct path_node {
    uint32_t stack_id;
    uint32_t frame_id;
    uint32_t parent_id; /* while loading */
    uint32_t parent;    /* its place + 1; 0: a root */
};

struct stack_tree {
    struct db *db;
    struct path_node *nodes; /* by stack_id */
    size_t count;
    size_t capacity;
};

static int take_stack(void *context, const struct stack_row *row)
{
    struct stack_tree *tree = context;
    int result =
        vec_reserve((void **)&tree->nodes, &tree->capacity, tree->count + 1, sizeof(*tree->nodes));
    if (result < 0) {
        return result;
    }
    tree->nodes[tree->count++] = (struct path_node){
        .stack_id = row->id, .frame_id = row->frame_id, .parent_id = row->parent_id};
    return 0;
}

/* Ids mostly have no gaps, and then the id gives the place. */
size_t stack_tree_find(const struct stack_tree *tree, uint32_t stack_id)
{
    if (stack_id == 0 || tree->count == 0) {
        return STACK_TREE_NONE;
    }
    if (stack_id <= tree->count && tree->nodes[stack_id - 1].stack_id == stack_id) {
        return stack_id - 1;
    }
    size_t low = 0;
    size_t high = tree->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tree->nodes[middle].stack_id < stack_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there = low < tree->count && tree->nodes[low].stack_id == stack_id;
    return is_there ? low : STACK_TREE_NONE;
}

static int link_parents(struct stack_tree *tree, struct err *err)
{
    for (size_t place = 0; place < tree->count; place++) {
        struct path_node *node = &tree->nodes[place];
        if (node->parent_id == 0) {
            continue;
        }
        size_t parent = stack_tree_find(tree, node->parent_id);
        if (parent == STACK_TREE_NONE || parent >= place) {
            return err_set(err, EBADMSG,
                           "cannot read '%s': damaged: stack %u has no caller %u before it",
                           db_path(tree->db), node->stack_id, node->parent_id);
        }
        node->parent = (uint32_t)parent + 1;
    }
    return 0;
}

int stack_tree_load(struct db *db, struct stack_tree **out_tree, struct err *err)
{
    struct stack_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read stacks");
    }
    tree->db = db;
    int result = query_stacks(db, take_stack, tree, err);
    if (result == 0) {
        result = link_parents(tree, err);
    }
    if (result < 0) {
        stack_tree_destroy(tree);
        return result;
    }
    *out_tree = tree;
    return 0;
}

size_t stack_tree_count(const struct stack_tree *tree)
{
    return tree->count;
}

uint32_t stack_tree_stack_id(const struct stack_tree *tree, size_t place)
{
    return tree->nodes[place].stack_id;
}

uint32_t stack_tree_frame_id(const struct stack_tree *tree, size_t place)
{
    return tree->nodes[place].frame_id;
}

size_t stack_tree_parent(const struct stack_tree *tree, size_t place)
{
    uint32_t parent = tree->nodes[place].parent;
    return parent == 0 ? STACK_TREE_NONE : parent - 1;
}

/* The frames asked for; one that was inlined into such a frame holds it, too. */
struct frame_matches {
    struct frame_match_row *rows; /* by id */
    size_t count;
    size_t capacity;
};

static int take_frame_match(void *context, const struct frame_match_row *row)
{
    struct frame_matches *matches = context;
    int result = vec_reserve((void **)&matches->rows, &matches->capacity, matches->count + 1,
                             sizeof(*matches->rows));
    if (result == 0) {
        matches->rows[matches->count++] = *row;
    }
    return result;
}

static struct frame_match_row *find_frame_match(const struct frame_matches *matches,
                                                uint32_t frame_id)
{
    if (matches->rows == NULL) {
        return NULL;
    }
    size_t low = 0;
    size_t high = matches->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (matches->rows[middle].id < frame_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there = low < matches->count && matches->rows[low].id == frame_id;
    return is_there ? &matches->rows[low] : NULL;
}

/* Walks outward from each frame; more steps than there are frames would be a circle in damaged
 * data. */
static void spread_inlined(struct frame_matches *matches)
{
    for (size_t i = 0; i < matches->count && matches->rows != NULL; i++) {
        const struct frame_match_row *outer = &matches->rows[i];
        size_t step_count = 0;
        while (outer != NULL && !outer->is_match && outer->inlined_by_id != 0 &&
               step_count++ < matches->count) {
            outer = find_frame_match(matches, outer->inlined_by_id);
        }
        matches->rows[i].is_match = outer != NULL && outer->is_match;
    }
}

int stack_tree_match(const struct stack_tree *tree, const char *function_glob,
                     const char *module_glob, bool **out_is_match, struct err *err)
{
    struct frame_matches matches = {0};
    int result =
        query_frame_matches(tree->db, function_glob, module_glob, take_frame_match, &matches, err);
    if (result < 0) {
        free(matches.rows);
        return result;
    }
    spread_inlined(&matches);
    bool *is_match = calloc(tree->count + 1, sizeof(*is_match));
    if (is_match == NULL) {
        free(matches.rows);
        return err_set_errno(err, ENOMEM, "cannot select stacks");
    }
    for (size_t place = 0; place < tree->count; place++) {
        size_t parent = stack_tree_parent(tree, place);
        const struct frame_match_row *frame =
            find_frame_match(&matches, tree->nodes[place].frame_id);
        is_match[place] =
            (frame != NULL && frame->is_match) || (parent != STACK_TREE_NONE && is_match[parent]);
    }
    free(matches.rows);
    *out_is_match = is_match;
    return 0;
}

void stack_tree_sum_up(const struct stack_tree *tree, uint64_t *values)
{
    for (size_t place = tree->count; place-- > 0;) {
        size_t parent = stack_tree_parent(tree, place);
        if (parent != STACK_TREE_NONE) {
            values[parent] += values[place];
        }
    }
}

void stack_tree_destroy(struct stack_tree *tree)
{
    if (tree == NULL) {
        return;
    }
    free(tree->nodes);
    free(tree);
}
