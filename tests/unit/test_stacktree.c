#include "../../analyzer/collect/recording/stacktree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t child(struct stacktree *tree, uint32_t parent, uint32_t frame)
{
    uint32_t node = UINT32_MAX;
    assert_int_equal(stacktree_child(tree, parent, frame, &node), 0);
    return node;
}

static uint32_t frame(struct stacktree *tree, uint32_t module, uint64_t offset)
{
    uint32_t number = UINT32_MAX;
    assert_int_equal(stacktree_frame(tree, (struct code_address){module, offset}, &number), 0);
    return number;
}

static void stacktree_frame_same_address_is_one_frame(void **state)
{
    (void)state;
    struct stacktree tree;
    assert_int_equal(stacktree_init(&tree), 0);

    uint32_t first = frame(&tree, 1, 0x1000);

    assert_int_equal(first, FRAME_FIRST);
    assert_int_equal(frame(&tree, 1, 0x1000), first);
    assert_int_equal(frame(&tree, 2, 0x1000), first + 1);
    assert_int_equal(frame(&tree, 1, 0x1001), first + 2);
    assert_int_equal(frame(&tree, 0, 0x7fff12345678), first + 3);
    assert_int_equal(tree.frame_count, FRAME_FIRST + 4);
    assert_int_equal(tree.frames[first + 3].module, 0);
    assert_int_equal(tree.frames[first + 3].offset, 0x7fff12345678);
    stacktree_fini(&tree);
}

static void stacktree_child_common_callers_are_shared(void **state)
{
    (void)state;
    struct stacktree tree;
    assert_int_equal(stacktree_init(&tree), 0);

    uint32_t root = child(&tree, STACK_ROOT, 10);
    uint32_t left = child(&tree, root, 11);
    uint32_t right = child(&tree, root, 12);
    uint32_t deep = child(&tree, left, 12);

    assert_int_equal(child(&tree, STACK_ROOT, 10), root);
    assert_int_equal(child(&tree, root, 11), left);
    assert_int_not_equal(deep, right); /* the same frame under another parent */
    assert_int_equal(tree.node_count, 5);
    assert_int_equal(tree.nodes[root].depth, 1);
    assert_int_equal(tree.nodes[deep].depth, 3);
    assert_int_equal(tree.nodes[deep].parent, left);
    assert_true(root > STACK_ROOT && root < left && left < deep); /* parents have smaller ids */
    stacktree_fini(&tree);
}

static void stacktree_child_unknown_and_cut_are_frames_like_others(void **state)
{
    (void)state;
    struct stacktree tree;
    assert_int_equal(stacktree_init(&tree), 0);

    uint32_t unknown = child(&tree, STACK_ROOT, FRAME_UNKNOWN);
    uint32_t cut = child(&tree, STACK_ROOT, FRAME_CUT);

    assert_int_not_equal(unknown, cut);
    assert_int_equal(child(&tree, STACK_ROOT, FRAME_CUT), cut);
    assert_int_equal(tree.nodes[cut].frame, FRAME_CUT);
    stacktree_fini(&tree);
}

/* Many random stacks, added twice: growing must neither lose nor double a node. */
static void stacktree_growth_keeps_every_node_once(void **state)
{
    (void)state;
    enum {
        STACKS = 20000,
        DEPTH = 12
    };
    struct stacktree tree;
    assert_int_equal(stacktree_init(&tree), 0);
    uint32_t *leaves = malloc(STACKS * sizeof(*leaves));
    size_t count_after_first = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t random = 11;
        for (int i = 0; i < STACKS; i++) {
            uint32_t node = STACK_ROOT;
            for (int depth = 0; depth < DEPTH; depth++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                uint64_t choice = (random >> 33) % (depth < 6 ? 3 : 7);
                node = child(&tree, node, frame(&tree, 1 + (uint32_t)depth % 3, choice * 16));
            }
            if (pass == 0) {
                leaves[i] = node;
            }
            assert_int_equal(node, leaves[i]);
            assert_int_equal(tree.nodes[node].depth, DEPTH);
        }
        count_after_first = pass == 0 ? tree.node_count : count_after_first;
    }
    assert_int_equal(tree.node_count, count_after_first);
    assert_in_range(tree.node_count, 20000, (uint64_t)STACKS * DEPTH);
    for (uint32_t i = 1; i < tree.node_count; i++) {
        assert_true(tree.nodes[i].parent < i);
        assert_int_equal(tree.nodes[i].depth, tree.nodes[tree.nodes[i].parent].depth + 1);
        assert_int_equal(child(&tree, tree.nodes[i].parent, tree.nodes[i].frame), i);
    }
    free(leaves);
    stacktree_fini(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacktree_frame_same_address_is_one_frame),
        cmocka_unit_test(stacktree_child_common_callers_are_shared),
        cmocka_unit_test(stacktree_child_unknown_and_cut_are_frames_like_others),
        cmocka_unit_test(stacktree_growth_keeps_every_node_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
