/* The marks are made over this process's own memory. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/collect/leaks/leak_marks.h"

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
    assert_int_equal(leak_marks_init(&scene->marks, scene->blocks, BLOCKS, &scene->target), 0);
    return scene;
}

static void mark(struct scene *scene, enum leak_view view)
{
    leak_marks_scan(&scene->marks, (uintptr_t)scene->root, sizeof(scene->root), view);
    assert_int_equal(leak_marks_gather(&scene->marks), 0);
    assert_int_equal(leak_marks_finish(&scene->marks), 0);
}

static void expect(struct scene *scene, const uint8_t kinds[BLOCKS])
{
    for (int i = 0; i < BLOCKS; i++) {
        assert_int_equal(scene->marks.kinds[i], kinds[i]);
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
    assert_int_equal(leak_marks_gather(&scene->marks), 0);
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
    assert_int_equal(leak_marks_gather(&scene->marks), 0);
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

enum {
    HEAPS = 40,
    HEAP_BLOCKS = 400,
    EDGES = 900,
    LARGE_WORDS = 3 << 17, /* more than is read at once */
};

/* Pointers from word to word of one heap, all of whose blocks have the same number of words. */
struct heap {
    uint64_t *words;
    size_t block_words;
    struct leak_block *blocks;
    size_t block_count;
};

static size_t random_below(uint64_t *state, size_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (size_t)(*state % limit);
}

static struct heap make_heap(size_t block_count, size_t block_words)
{
    struct heap heap = {
        .words = calloc(block_count * block_words, sizeof(*heap.words)),
        .block_words = block_words,
        .blocks = calloc(block_count, sizeof(*heap.blocks)),
        .block_count = block_count,
    };
    assert_non_null(heap.words);
    assert_non_null(heap.blocks);
    for (size_t i = 0; i < block_count; i++) {
        heap.blocks[i] = (struct leak_block){
            .address = (uintptr_t)&heap.words[i * block_words],
            .size_bytes = (block_words - 1) * sizeof(uint64_t), /* a header lies between */
        };
    }
    return heap;
}

/* Makes a block one of `kind` if it is not yet a better one, and what it points to. */
static void mark_plainly(const struct heap *heap, uint8_t *kinds, size_t block, uint8_t kind)
{
    if (kinds[block] == LEAK_REACHABLE || kinds[block] == kind) {
        return;
    }
    kinds[block] = kind;
    for (size_t word = 0; word < heap->block_words - 1; word++) {
        uint64_t pointer = heap->words[block * heap->block_words + word];
        for (size_t to = 0; pointer != 0 && to < heap->block_count; to++) {
            uint64_t offset = pointer - heap->blocks[to].address;
            if (offset < heap->blocks[to].size_bytes) {
                bool is_sure = kind == LEAK_REACHABLE && offset == 0;
                mark_plainly(heap, kinds, to, is_sure ? LEAK_REACHABLE : LEAK_POSSIBLE);
            }
        }
    }
}

static void kinds_of_random_heaps_agree_with_a_plain_marking(void **state)
{
    (void)state;
    uint64_t random = 99;
    struct target_memory target;
    target_memory_open(&target, (uint32_t)getpid());
    for (int turn = 0; turn < HEAPS; turn++) {
        struct heap heap = make_heap(HEAP_BLOCKS, 2 + random_below(&random, 39));
        uint8_t kinds[HEAP_BLOCKS] = {0};
        for (int edge = 0; edge < EDGES; edge++) {
            size_t from = random_below(&random, HEAP_BLOCKS * heap.block_words);
            size_t to = random_below(&random, HEAP_BLOCKS);
            bool is_inner = heap.block_words > 2 && random_below(&random, 3) == 0;
            heap.words[from] = heap.blocks[to].address + (is_inner ? 8 : 0);
        }
        const uint64_t roots[] = {heap.blocks[1].address, heap.blocks[2].address + 3};
        struct leak_marks marks;
        assert_int_equal(leak_marks_init(&marks, heap.blocks, HEAP_BLOCKS, &target), 0);

        leak_marks_see(&marks, roots, 2, LEAK_VIEW_REACHED);
        assert_int_equal(leak_marks_gather(&marks), 0);
        assert_int_equal(leak_marks_finish(&marks), 0);

        mark_plainly(&heap, kinds, 1, LEAK_REACHABLE);
        mark_plainly(&heap, kinds, 2, LEAK_POSSIBLE);
        for (size_t i = 0; i < HEAP_BLOCKS; i++) {
            bool is_lost = marks.kinds[i] == LEAK_DEFINITE || marks.kinds[i] == LEAK_INDIRECT;
            assert_int_equal(is_lost ? LEAK_UNKNOWN : marks.kinds[i], kinds[i]);
        }
        leak_marks_fini(&marks);
        free(heap.words);
        free(heap.blocks);
    }
    target_memory_close(&target);
}

/* Its last word counts, and pages that were never touched are stepped over. */
static void block_larger_than_the_buffer_is_read_to_its_end(void **state)
{
    (void)state;
    struct target_memory target;
    struct leak_marks marks;
    size_t bytes = LARGE_WORDS * sizeof(uint64_t);
    uint64_t *words =
        mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(words != MAP_FAILED);
    const struct leak_block blocks[] = {
        {.address = (uintptr_t)words, .size_bytes = bytes},
        {.address = (uintptr_t)(words + LARGE_WORDS), .size_bytes = bytes},
    };
    words[LARGE_WORDS - 1] = blocks[1].address;
    target_memory_open(&target, (uint32_t)getpid());
    assert_int_equal(leak_marks_init(&marks, blocks, 2, &target), 0);

    leak_marks_see(&marks, &blocks[0].address, 1, LEAK_VIEW_REACHED);
    assert_int_equal(leak_marks_gather(&marks), 0);
    assert_int_equal(leak_marks_finish(&marks), 0);

    assert_int_equal(marks.kinds[1], LEAK_REACHABLE);
    assert_true(marks.read_bytes < bytes / 2);
    leak_marks_fini(&marks);
    target_memory_close(&target);
    munmap(words, 2 * bytes);
}

static void deadline_that_has_passed_is_told(void **state)
{
    (void)state;
    struct scene *scene = make_scene();
    scene->marks.deadline_ns = 1;

    assert_int_equal(leak_marks_gather(&scene->marks), -ETIME);
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
        cmocka_unit_test(kinds_of_random_heaps_agree_with_a_plain_marking),
        cmocka_unit_test(block_larger_than_the_buffer_is_read_to_its_end),
        cmocka_unit_test(deadline_that_has_passed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
