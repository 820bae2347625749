#include "stacktree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"

enum {
    NODE_SLOTS_FIRST = 1024,
};

int stacktree_init(struct stacktree *tree)
{
    *tree = (struct stacktree){0};
    int r = vec_reserve((void **)&tree->frames, &tree->frame_capacity, FRAME_FIRST,
                        sizeof(*tree->frames));
    if (r == 0) {
        r = vec_reserve((void **)&tree->nodes, &tree->node_capacity, 1, sizeof(*tree->nodes));
    }
    tree->node_slots = calloc(NODE_SLOTS_FIRST, sizeof(*tree->node_slots));
    if (r < 0 || tree->node_slots == NULL) {
        stacktree_fini(tree);
        return -ENOMEM;
    }
    tree->node_slot_count = NODE_SLOTS_FIRST;
    memset(tree->frames, 0, FRAME_FIRST * sizeof(*tree->frames));
    tree->frame_count = FRAME_FIRST;
    tree->nodes[STACK_ROOT] = (struct stack_node){0};
    tree->node_count = 1;
    return 0;
}

void stacktree_fini(struct stacktree *tree)
{
    free(tree->frames);
    map_fini(&tree->frame_ids);
    free(tree->nodes);
    free(tree->node_slots);
    *tree = (struct stacktree){0};
}

int stacktree_frame(struct stacktree *tree, struct code_address address, uint32_t *out_frame)
{
    /* Offsets are below 2^48 and modules few: the pair fits the key without loss. */
    uint64_t key = address.offset << 16 | (address.module & 0xffffu);
    if (map_get(&tree->frame_ids, key, out_frame)) {
        return 0;
    }
    int r = vec_reserve((void **)&tree->frames, &tree->frame_capacity, tree->frame_count + 1,
                        sizeof(*tree->frames));
    if (r == 0) {
        r = map_put(&tree->frame_ids, key, (uint32_t)tree->frame_count);
    }
    if (r < 0) {
        return r;
    }
    tree->frames[tree->frame_count] = address;
    *out_frame = (uint32_t)tree->frame_count++;
    return 0;
}

static size_t stacktree_slot(const struct stacktree *tree, const uint32_t *slots, size_t slot_count,
                             uint32_t parent, uint32_t frame)
{
    size_t at = map_mix((uint64_t)parent << 32 | frame) & (slot_count - 1);
    while (slots[at] != 0) {
        const struct stack_node *node = &tree->nodes[slots[at]];
        if (node->parent == parent && node->frame == frame) {
            break;
        }
        at = (at + 1) & (slot_count - 1);
    }
    return at;
}

static int stacktree_grow(struct stacktree *tree)
{
    size_t slot_count = tree->node_slot_count * 2;
    uint32_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 1; i < tree->node_count; i++) {
        const struct stack_node *node = &tree->nodes[i];
        slots[stacktree_slot(tree, slots, slot_count, node->parent, node->frame)] = i;
    }
    free(tree->node_slots);
    tree->node_slots = slots;
    tree->node_slot_count = slot_count;
    return 0;
}

int stacktree_child(struct stacktree *tree, uint32_t parent, uint32_t frame, uint32_t *out_node)
{
    size_t at = stacktree_slot(tree, tree->node_slots, tree->node_slot_count, parent, frame);
    if (tree->node_slots[at] != 0) {
        *out_node = tree->node_slots[at];
        return 0;
    }
    if (tree->node_count * 3 >= tree->node_slot_count * 2) {
        int r = stacktree_grow(tree);
        if (r < 0) {
            return r;
        }
        at = stacktree_slot(tree, tree->node_slots, tree->node_slot_count, parent, frame);
    }
    int r = vec_reserve((void **)&tree->nodes, &tree->node_capacity, tree->node_count + 1,
                        sizeof(*tree->nodes));
    if (r < 0) {
        return r;
    }
    tree->nodes[tree->node_count] = (struct stack_node){
        .parent = parent,
        .frame = frame,
        .depth = tree->nodes[parent].depth + 1,
    };
    tree->node_slots[at] = (uint32_t)tree->node_count;
    *out_node = (uint32_t)tree->node_count++;
    return 0;
}
