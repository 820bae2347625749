/* The marks are made over this process's own memory. */
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/collect/leak_marks.h"

enum {
    BLOCKS = 6,
    WORDS = 8,
};

struct scene {
    uint64_t memory[BLOCKS][WORDS];
    uint64_t root[2];
    struct target_memory target;
    struct leak_block blocks[BLOCKS];
    struct leak_marks marks;
};

static uint64_t address_of(struct scene *scene, int block, int word)
{
    return (uint64_t)(uintptr_t)&scene->memory[block][word];
}

static struct scene *make_scene(void)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    target_memory_open(&scene->target, (uint32_t)getpid());
    for (int i = 0; i < BLOCKS; i++) {
        scene->blocks[i] = (struct leak_block){
            .address = address_of(scene, i, 0),
            .size_bytes = sizeof(scene->memory[i]),
        };
    }
    scene->marks = (struct leak_marks){
        .blocks = scene->blocks,
        .block_count = BLOCKS,
        .memory = &scene->target,
        .deadline_ns = UINT64_MAX,
    };
    assert_int_equal(leak_marks_init(&scene->marks), 0);
    return scene;
}

static void mark(struct scene *scene, enum leak_view view)
{
    leak_marks_scan(&scene->marks, (uintptr_t)scene->root, sizeof(scene->root), view);
    assert_int_equal(leak_marks_finish(&scene->marks), 0);
}

static void expect(struct scene *scene, const uint8_t kinds[BLOCKS])
{
    for (int i = 0; i < BLOCKS; i++) {
        assert_int_equal(scene->blocks[i].kind, kinds[i]);
    }
    leak_marks_fini(&scene->marks);
    target_memory_close(&scene->target);
    free(scene);
}

static void chain_from_a_root_is_reachable_and_the_rest_lost(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->root[0] = address_of(scene, 1, 0);
    scene->memory[1][3] = address_of(scene, 0, 0);
    scene->memory[3][0] = address_of(scene, 2, 5); /* into the middle: of lost ones that counts */
    scene->memory[4][0] = address_of(scene, 5, 0);
    scene->memory[5][0] = address_of(scene, 4, 0); /* a ring: its lowest is the definite one */

    mark(scene, LEAK_VIEW_REACHED);

    expect(scene, (const uint8_t[]){LEAK_REACHABLE, LEAK_REACHABLE, LEAK_INDIRECT, LEAK_DEFINITE,
                                    LEAK_DEFINITE, LEAK_INDIRECT});
}

static void pointer_into_the_middle_makes_possible_until_a_better_one_comes(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->root[0] = address_of(scene, 0, 2);
    scene->root[1] = address_of(scene, 3, 2);
    scene->memory[0][0] = address_of(scene, 1, 0);
    scene->memory[3][0] = address_of(scene, 4, 0);
    scene->memory[4][0] = address_of(scene, 3, 0);
    const uint64_t late = address_of(scene, 4, 0);

    leak_marks_scan(&scene->marks, (uintptr_t)scene->root, sizeof(scene->root), LEAK_VIEW_REACHED);
    leak_marks_see(&scene->marks, &late, 1, LEAK_VIEW_REACHED);
    assert_int_equal(leak_marks_finish(&scene->marks), 0);

    expect(scene, (const uint8_t[]){LEAK_POSSIBLE, LEAK_POSSIBLE, LEAK_DEFINITE, LEAK_REACHABLE,
                                    LEAK_REACHABLE, LEAK_DEFINITE});
}

static void exceptions_of_memcheck_hold_a_block(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    uint64_t size_bytes = sizeof(scene->memory[0]);
    scene->memory[0][0] = size_bytes - 8; /* the size of the rest */
    scene->memory[1][0] = 7;              /* seven objects of eight bytes */
    scene->blocks[1].is_array = true;
    scene->memory[2][0] = 5; /* std::string: length, capacity, references, text */
    scene->memory[2][1] = size_bytes - 25;
    scene->memory[3][0] = 7; /* the same as block 1, but not of new[] */
    const uint64_t roots[] = {
        address_of(scene, 0, 1),
        address_of(scene, 1, 1),
        address_of(scene, 2, 3),
        address_of(scene, 3, 1),
    };

    leak_marks_see(&scene->marks, roots, 4, LEAK_VIEW_REACHED);
    assert_int_equal(leak_marks_finish(&scene->marks), 0);

    expect(scene, (const uint8_t[]){LEAK_REACHABLE, LEAK_REACHABLE, LEAK_REACHABLE, LEAK_POSSIBLE,
                                    LEAK_DEFINITE, LEAK_DEFINITE});
}

static void where_only_starts_count_the_middle_does_not(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->root[0] = address_of(scene, 0, 1);
    scene->root[1] = address_of(scene, 1, 0);

    mark(scene, LEAK_VIEW_STARTS);

    expect(scene, (const uint8_t[]){LEAK_DEFINITE, LEAK_REACHABLE, LEAK_DEFINITE, LEAK_DEFINITE,
                                    LEAK_DEFINITE, LEAK_DEFINITE});
}

static void deadline_that_has_passed_is_told(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->marks.deadline_ns = 1;

    assert_int_equal(leak_marks_finish(&scene->marks), -ETIME);

    leak_marks_fini(&scene->marks);
    target_memory_close(&scene->target);
    free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_from_a_root_is_reachable_and_the_rest_lost),
        cmocka_unit_test(pointer_into_the_middle_makes_possible_until_a_better_one_comes),
        cmocka_unit_test(exceptions_of_memcheck_hold_a_block),
        cmocka_unit_test(where_only_starts_count_the_middle_does_not),
        cmocka_unit_test(deadline_that_has_passed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
