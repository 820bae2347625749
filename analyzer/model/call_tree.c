/*
 * Best first: of all nodes whose caller is shown, the heaviest is shown next, until the limit. A
 * node stands for a set of stacks (their places in the tree): those of one function beneath one
 * caller.
 */
#include "call_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/vec.h"
#include "stack_tree.h"

#define NAME_SEPARATOR " > "
#define NO_PARENT      SIZE_MAX

/* Places whose last function has one name. */
struct group {
    char *name;
    size_t *places;
    size_t place_count;
    size_t place_capacity;
    uint64_t value;
    size_t parent; /* index of a shown node */
};

struct builder {
    struct stacks *stacks;
    struct stack_tree *tree;
    uint64_t *own;         /* by place */
    uint64_t *values;      /* by place, with all beneath */
    uint32_t *first_child; /* by place: place + 1 of a callee with a value; 0: none */
    uint32_t *next_sibling;
    struct group *groups; /* candidates */
    size_t group_count;
    size_t group_capacity;
    struct err *err;
};

static int no_memory(struct err *err)
{
    return err_set_errno(err, ENOMEM, "cannot build the tree of callers");
}

static void group_fini(struct group *group)
{
    free(group->name);
    free(group->places);
    *group = (struct group){0};
}

/* The functions at the frame of a place, outermost first. */
static int name_place(struct builder *builder, size_t place, struct str *name)
{
    struct call_stack stack = {0};
    int result = stacks_expand_frame(builder->stacks, stack_tree_frame_id(builder->tree, place),
                                     &stack, builder->err);
    if (result < 0) {
        return result;
    }
    if (stack.is_cut) {
        result = str_append(name, "(callers beyond the depth limit)");
    }
    for (size_t i = stack.count; i-- > 0 && result == 0;) {
        const char *separator = i + 1 == stack.count ? "" : NAME_SEPARATOR;
        result = str_printf(name, "%s%s", separator, stack.frames[i]->function);
    }
    call_stack_fini(&stack);
    return result < 0 ? no_memory(builder->err) : 0;
}

static int group_add(struct group *group, size_t place, uint64_t value)
{
    int result = vec_reserve((void **)&group->places, &group->place_capacity,
                             group->place_count + 1, sizeof(*group->places));
    if (result == 0) {
        group->places[group->place_count++] = place;
        group->value += value;
    }
    return result;
}

/* Puts a place into the group of its name among groups[first..]; makes the group where there is
 * none. */
static int sort_in(struct builder *builder, size_t first, size_t place, size_t parent)
{
    struct str name = {0};
    int result = name_place(builder, place, &name);
    if (result < 0) {
        str_fini(&name);
        return result;
    }
    struct group *group = NULL;
    for (size_t i = first; i < builder->group_count && group == NULL; i++) {
        if (strcmp(builder->groups[i].name, str_text(&name)) == 0) {
            group = &builder->groups[i];
        }
    }
    if (group == NULL) {
        result = vec_reserve((void **)&builder->groups, &builder->group_capacity,
                             builder->group_count + 1, sizeof(*builder->groups));
        if (result == 0) {
            group = &builder->groups[builder->group_count++];
            *group = (struct group){.name = name.text, .parent = parent};
            name = (struct str){0};
        }
    }
    if (result == 0) {
        result = group_add(group, place, builder->values[place]);
    }
    str_fini(&name);
    return result < 0 ? no_memory(builder->err) : 0;
}

/* Appends the callees of `group` as candidates beneath `parent`. Damaged groups are cleaned up with
 * all. */
static int add_callees(struct builder *builder, const size_t *places, size_t place_count,
                       size_t parent)
{
    size_t first = builder->group_count;
    for (size_t i = 0; i < place_count; i++) {
        uint32_t child = builder->first_child[places[i]];
        while (child != 0) {
            int result = sort_in(builder, first, child - 1, parent);
            if (result < 0) {
                return result;
            }
            child = builder->next_sibling[child - 1];
        }
    }
    return 0;
}

static int add_roots(struct builder *builder)
{
    for (size_t place = 0; place < stack_tree_count(builder->tree); place++) {
        bool is_root = stack_tree_parent(builder->tree, place) == STACK_TREE_NONE;
        if (is_root && builder->values[place] > 0) {
            int result = sort_in(builder, 0, place, NO_PARENT);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

static uint64_t own_of(const struct builder *builder, const struct group *group)
{
    uint64_t own = 0;
    for (size_t i = 0; i < group->place_count; i++) {
        own += builder->own[group->places[i]];
    }
    return own;
}

/* While a node has nothing of its own and a single callee, the callee joins it. Its callees become
 * candidates beneath the node `parent`. */
static int follow_chain(struct builder *builder, struct group *group, struct str *names,
                        size_t parent)
{
    for (;;) {
        size_t first = builder->group_count;
        int result = add_callees(builder, group->places, group->place_count, parent);
        if (result < 0) {
            return result;
        }
        if (builder->group_count != first + 1 || own_of(builder, group) > 0) {
            return 0;
        }
        struct group callee = builder->groups[first];
        builder->group_count = first;
        if (str_printf(names, NAME_SEPARATOR "%s", callee.name) < 0) {
            group_fini(&callee);
            return no_memory(builder->err);
        }
        callee.parent = group->parent;
        group_fini(group);
        *group = callee;
    }
}

static size_t heaviest_place(const struct builder *builder, const struct group *group)
{
    size_t heaviest = group->places[0];
    for (size_t i = 1; i < group->place_count; i++) {
        if (builder->values[group->places[i]] > builder->values[heaviest]) {
            heaviest = group->places[i];
        }
    }
    return heaviest;
}

/* Takes the heaviest candidate out; the earlier one of equals. */
static struct group take_heaviest(struct builder *builder)
{
    size_t heaviest = 0;
    for (size_t i = 1; i < builder->group_count; i++) {
        const struct group *group = &builder->groups[i];
        const struct group *best = &builder->groups[heaviest];
        if (group->value > best->value ||
            (group->value == best->value && strcmp(group->name, best->name) < 0)) {
            heaviest = i;
        }
    }
    struct group group = builder->groups[heaviest];
    builder->groups[heaviest] = builder->groups[--builder->group_count];
    return group;
}

static int show_heaviest(struct builder *builder, struct call_tree *tree)
{
    struct group group = take_heaviest(builder);
    struct str names = {0};
    int result = str_append(&names, group.name) < 0 ? no_memory(builder->err) : 0;
    if (result == 0) {
        result = follow_chain(builder, &group, &names, tree->count);
    }
    if (result < 0) {
        group_fini(&group);
        str_fini(&names);
        return result;
    }
    bool is_root = group.parent == NO_PARENT;
    tree->nodes[tree->count] = (struct call_node){
        .names = names.text,
        .stack_id = stack_tree_stack_id(builder->tree, heaviest_place(builder, &group)),
        .level = is_root ? 0 : tree->nodes[group.parent].level + 1,
        .value = group.value,
        .own = own_of(builder, &group),
        .parent = group.parent,
    };
    tree->count++;
    group_fini(&group);
    return 0;
}

/* Nodes came heaviest first; they are shown callers before callees. */
static int put_in_order(struct call_tree *tree)
{
    struct call_node *ordered = calloc(tree->count + 1, sizeof(*ordered));
    size_t *new_index = calloc(tree->count + 1, sizeof(*new_index));
    size_t *path = calloc(tree->count + 1, sizeof(*path));
    if (ordered == NULL || new_index == NULL || path == NULL) {
        free(ordered);
        free(new_index);
        free(path);
        return -ENOMEM;
    }
    /* path[d] is the node shown last at depth d, and scan positions only go up: siblings stand by
     * weight. */
    size_t count = 0;
    size_t depth = 0;
    size_t next = 0;
    size_t parent = NO_PARENT;
    while (count < tree->count) {
        while (next < tree->count && tree->nodes[next].parent != parent) {
            next++;
        }
        if (next < tree->count) {
            ordered[count] = tree->nodes[next];
            ordered[count].parent = parent == NO_PARENT ? NO_PARENT : new_index[parent];
            new_index[next] = count++;
            path[depth++] = next;
            parent = next;
            next = 0;
        } else {
            depth--;
            next = path[depth] + 1;
            parent = tree->nodes[path[depth]].parent;
        }
    }
    free(tree->nodes);
    free(new_index);
    free(path);
    tree->nodes = ordered;
    return 0;
}

/* Own values by place, only beneath root_place unless that is STACK_TREE_NONE; then the sums. */
static void fill_values(struct builder *builder, const struct sites *sites, enum site_key key,
                        size_t root_place)
{
    size_t count = stack_tree_count(builder->tree);
    for (size_t i = 0; i < sites_count(sites); i++) {
        size_t place = stack_tree_find(builder->tree, sites_stack_id(sites, i));
        if (place != STACK_TREE_NONE) {
            builder->own[place] = sites_value(sites, i, key);
        }
    }
    if (root_place != STACK_TREE_NONE) {
        /* first_child is not in use yet: 1 marks what lies beneath the root. */
        for (size_t place = 0; place < count; place++) {
            size_t parent = stack_tree_parent(builder->tree, place);
            bool is_beneath = place == root_place ||
                              (parent != STACK_TREE_NONE && builder->first_child[parent] == 1);
            builder->first_child[place] = is_beneath ? 1 : 0;
            builder->own[place] = is_beneath ? builder->own[place] : 0;
        }
        memset(builder->first_child, 0, count * sizeof(*builder->first_child));
    }
    memcpy(builder->values, builder->own, count * sizeof(*builder->values));
    stack_tree_sum_up(builder->tree, builder->values);
    for (size_t place = count; place-- > 0;) {
        size_t parent = stack_tree_parent(builder->tree, place);
        if (parent != STACK_TREE_NONE && builder->values[place] > 0) {
            builder->next_sibling[place] = builder->first_child[parent];
            builder->first_child[parent] = (uint32_t)place + 1;
        }
    }
}

static int builder_init(struct builder *builder, struct db *db, struct stacks *stacks,
                        struct err *err)
{
    *builder = (struct builder){.stacks = stacks, .err = err};
    int result = stack_tree_load(db, &builder->tree, err);
    if (result < 0) {
        return result;
    }
    size_t count = stack_tree_count(builder->tree) + 1;
    builder->own = calloc(count, sizeof(*builder->own));
    builder->values = calloc(count, sizeof(*builder->values));
    builder->first_child = calloc(count, sizeof(*builder->first_child));
    builder->next_sibling = calloc(count, sizeof(*builder->next_sibling));
    bool has_all = builder->own != NULL && builder->values != NULL &&
                   builder->first_child != NULL && builder->next_sibling != NULL;
    return has_all ? 0 : no_memory(err);
}

static void builder_fini(struct builder *builder)
{
    for (size_t i = 0; i < builder->group_count; i++) {
        group_fini(&builder->groups[i]);
    }
    free(builder->groups);
    free(builder->own);
    free(builder->values);
    free(builder->first_child);
    free(builder->next_sibling);
    stack_tree_destroy(builder->tree);
}

int call_tree_build(struct db *db, struct stacks *stacks, const struct sites *sites,
                    enum site_key key, uint32_t root_stack_id, size_t limit,
                    struct call_tree *out_tree, struct err *err)
{
    struct call_tree tree = {.nodes = calloc(limit + 1, sizeof(*tree.nodes))};
    struct builder builder;
    int result = builder_init(&builder, db, stacks, err);
    if (result == 0 && tree.nodes == NULL) {
        result = no_memory(err);
    }
    size_t root_place = STACK_TREE_NONE;
    if (result == 0 && root_stack_id != 0) {
        root_place = stack_tree_find(builder.tree, root_stack_id);
        if (root_place == STACK_TREE_NONE) {
            result = err_set(err, ENOENT, "there is no stack %u", root_stack_id);
        }
    }
    if (result == 0) {
        fill_values(&builder, sites, key, root_place);
        result = root_place == STACK_TREE_NONE ? add_roots(&builder)
                                               : sort_in(&builder, 0, root_place, NO_PARENT);
    }
    for (size_t i = 0; i < builder.group_count && result == 0; i++) {
        tree.total += builder.groups[i].value;
    }
    while (result == 0 && tree.count < limit && builder.group_count > 0) {
        result = show_heaviest(&builder, &tree);
    }
    tree.hidden_count = builder.group_count;
    builder_fini(&builder);
    if (result == 0 && put_in_order(&tree) < 0) {
        result = no_memory(err);
    }
    if (result < 0) {
        call_tree_fini(&tree);
        return result;
    }
    *out_tree = tree;
    return 0;
}

void call_tree_fini(struct call_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->nodes[i].names);
    }
    free(tree->nodes);
    *tree = (struct call_tree){0};
}
