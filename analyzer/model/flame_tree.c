#include "flame_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "stack_tree.h"

struct pruning {
    struct stack_tree *stacks;
    const struct sites *sites;
    uint64_t *values[SITE_KEY_COUNT_ALL]; /* by place, with all beneath */
    double *shares;                       /* by place: the largest of any key */
    bool *is_kept;
    uint32_t *nodes; /* by place: the node it has become */
};

struct ranked_place {
    double share;
    uint32_t place;
};

/* Of equal shares the caller comes first, so that a node is never kept without its caller. */
static int compare_shares(const void *left, const void *right)
{
    const struct ranked_place *a = left;
    const struct ranked_place *b = right;
    if (a->share != b->share) {
        return a->share > b->share ? -1 : 1;
    }
    return (a->place > b->place) - (a->place < b->place);
}

static void pruning_fini(struct pruning *pruning)
{
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        free(pruning->values[key]);
    }
    free(pruning->shares);
    free(pruning->is_kept);
    free(pruning->nodes);
    stack_tree_destroy(pruning->stacks);
}

static int sum_up(struct pruning *pruning, unsigned key_set)
{
    const size_t count = stack_tree_count(pruning->stacks);
    pruning->shares = calloc(count + 1, sizeof(*pruning->shares));
    pruning->is_kept = calloc(count + 1, sizeof(*pruning->is_kept));
    pruning->nodes = calloc(count + 1, sizeof(*pruning->nodes));
    if (pruning->shares == NULL || pruning->is_kept == NULL || pruning->nodes == NULL) {
        return -ENOMEM;
    }
    for (unsigned key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        if ((key_set & SITE_KEY_BIT(key)) == 0 || !sites_has_key(pruning->sites, key)) {
            continue;
        }
        uint64_t *values = calloc(count + 1, sizeof(*values));
        if (values == NULL) {
            return -ENOMEM;
        }
        pruning->values[key] = values;
        for (size_t site = 0; site < sites_count(pruning->sites); site++) {
            size_t place = stack_tree_find(pruning->stacks, sites_stack_id(pruning->sites, site));
            if (place != STACK_TREE_NONE) {
                values[place] += sites_value(pruning->sites, site, key);
            }
        }
        stack_tree_sum_up(pruning->stacks, values);
        const double total = (double)sites_total(pruning->sites, key);
        for (size_t place = 0; place < count && total > 0; place++) {
            const double share = (double)values[place] / total;
            pruning->shares[place] =
                share > pruning->shares[place] ? share : pruning->shares[place];
        }
    }
    return 0;
}

static void keep_with_callers(struct pruning *pruning, size_t place)
{
    while (place != STACK_TREE_NONE && !pruning->is_kept[place]) {
        pruning->is_kept[place] = true;
        place = stack_tree_parent(pruning->stacks, place);
    }
}

static int keep_heaviest(struct pruning *pruning, size_t limit)
{
    const size_t count = stack_tree_count(pruning->stacks);
    struct ranked_place *ranked = calloc(count + 1, sizeof(*ranked));
    if (ranked == NULL) {
        return -ENOMEM;
    }
    size_t ranked_count = 0;
    for (size_t place = 0; place < count; place++) {
        if (pruning->shares[place] > 0) {
            ranked[ranked_count++] = (struct ranked_place){pruning->shares[place], (uint32_t)place};
        }
    }
    qsort(ranked, ranked_count, sizeof(*ranked), compare_shares);
    for (size_t i = 0; i < ranked_count && i < limit; i++) {
        pruning->is_kept[ranked[i].place] = true;
    }
    free(ranked);
    return 0;
}

static int make_nodes(struct pruning *pruning, struct flame_tree *tree)
{
    const size_t count = stack_tree_count(pruning->stacks);
    for (size_t place = 0; place < count; place++) {
        tree->count += pruning->is_kept[place] ? 1 : 0;
        tree->left_out_count += !pruning->is_kept[place] && pruning->shares[place] > 0 ? 1 : 0;
    }
    tree->nodes = calloc(tree->count + 1, sizeof(*tree->nodes));
    if (tree->nodes == NULL) {
        return -ENOMEM;
    }
    uint32_t made_count = 0;
    for (size_t place = 0; place < count; place++) {
        if (!pruning->is_kept[place]) {
            continue;
        }
        const size_t parent = stack_tree_parent(pruning->stacks, place);
        tree->nodes[made_count] = (struct flame_node){
            .parent = parent == STACK_TREE_NONE ? FLAME_TREE_NONE : pruning->nodes[parent],
            .stack_id = stack_tree_stack_id(pruning->stacks, place),
            .frame_id = stack_tree_frame_id(pruning->stacks, place),
        };
        pruning->nodes[place] = made_count++;
    }
    return 0;
}

/* A place keeps what is its own: all that it has less what its callees have. */
static int share_out(const struct pruning *pruning, struct flame_tree *tree, size_t key)
{
    const uint64_t *values = pruning->values[key];
    uint64_t *own = calloc(tree->count + 1, sizeof(*own));
    uint64_t *smaller = calloc(tree->count + 1, sizeof(*smaller));
    tree->own[key] = own;
    tree->smaller[key] = smaller;
    if (own == NULL || smaller == NULL) {
        return -ENOMEM;
    }
    for (size_t place = 0; place < stack_tree_count(pruning->stacks); place++) {
        const size_t parent = stack_tree_parent(pruning->stacks, place);
        const bool is_under_kept = parent == STACK_TREE_NONE || pruning->is_kept[parent];
        const size_t caller = parent == STACK_TREE_NONE ? tree->count : pruning->nodes[parent];
        if (pruning->is_kept[place]) {
            own[pruning->nodes[place]] += values[place];
        } else if (is_under_kept) {
            smaller[caller] += values[place];
        }
        if (parent != STACK_TREE_NONE && is_under_kept) {
            own[caller] -= values[place];
        } else if (parent == STACK_TREE_NONE) {
            tree->totals[key] += values[place];
        }
    }
    return 0;
}

int flame_tree_build(struct db *db, const struct sites *sites, unsigned key_set, size_t limit,
                     const uint32_t *stack_ids, size_t stack_count, struct flame_tree *out_tree,
                     struct err *err)
{
    struct pruning pruning = {.sites = sites};
    struct flame_tree tree = {0};
    int result = stack_tree_load(db, &pruning.stacks, err);
    if (result < 0) {
        return result;
    }
    result = sum_up(&pruning, key_set);
    if (result == 0) {
        result = keep_heaviest(&pruning, limit);
    }
    for (size_t i = 0; i < stack_count && result == 0; i++) {
        keep_with_callers(&pruning, stack_tree_find(pruning.stacks, stack_ids[i]));
    }
    if (result == 0) {
        result = make_nodes(&pruning, &tree);
    }
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL && result == 0; key++) {
        result = pruning.values[key] != NULL ? share_out(&pruning, &tree, key) : 0;
    }
    pruning_fini(&pruning);
    if (result < 0) {
        flame_tree_fini(&tree);
        return err_set_errno(err, -result, "cannot build the tree of stacks");
    }
    *out_tree = tree;
    return 0;
}

uint32_t flame_tree_find(const struct flame_tree *tree, uint32_t stack_id)
{
    size_t low = 0;
    size_t high = tree->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (tree->nodes[middle].stack_id < stack_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const bool is_there = low < tree->count && tree->nodes[low].stack_id == stack_id;
    return is_there ? (uint32_t)low : FLAME_TREE_NONE;
}

void flame_tree_fini(struct flame_tree *tree)
{
    free(tree->nodes);
    for (size_t key = 0; key < SITE_KEY_COUNT_ALL; key++) {
        free(tree->own[key]);
        free(tree->smaller[key]);
    }
    *tree = (struct flame_tree){0};
}
