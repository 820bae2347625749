#include "../../analyzer/plan/code_ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    SPACE = 200,
    DEPTHS = 5,
};

static uint32_t next_random(void)
{
    static uint64_t state = 7;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

/* What each address should have, level by level from the deepest. */
static size_t levels_of(const struct code_range *ranges, size_t count, uint64_t address,
                        uint64_t levels[DEPTHS])
{
    size_t level_count = 0;
    for (uint32_t depth = DEPTHS; depth-- > 0;) {
        bool is_there = false;
        uint64_t steps = 0;
        for (size_t i = 0; i < count; i++) {
            bool covers = address >= ranges[i].start && address < ranges[i].end;
            is_there |= covers && ranges[i].depth == depth;
            steps |= covers && ranges[i].depth == depth ? ranges[i].steps : 0;
        }
        if (is_there) {
            levels[level_count++] = steps;
        }
    }
    return level_count;
}

static void code_segments_add_random_ranges_tell_the_same_at_each_address(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        struct code_range all[20];
        struct code_ranges ranges = {0};
        struct code_segments segments = {0};
        size_t count = next_random() % 20;
        for (size_t i = 0; i < count; i++) {
            uint64_t start = next_random() % SPACE;
            all[i] = (struct code_range){.start = start,
                                         .end = start + next_random() % 40,
                                         .steps = UINT64_C(1) << next_random() % 8,
                                         .depth = next_random() % DEPTHS};
            assert_int_equal(code_ranges_add(&ranges, &all[i]), 0);
        }

        assert_int_equal(code_segments_add(&segments, &ranges), 0);

        for (uint64_t address = 0; address < SPACE + 50; address++) {
            uint64_t levels[DEPTHS];
            size_t level_count = levels_of(all, count, address, levels);
            const struct plan_table_segment *found = NULL;
            for (size_t i = 0; i < segments.count; i++) {
                const struct plan_table_segment *segment = &segments.items[i];
                assert_true(i == 0 || segment->start >= segments.items[i - 1].end);
                found = address >= segment->start && address < segment->end ? segment : found;
            }
            assert_int_equal(level_count, found != NULL ? found->level_count : 0);
            if (found != NULL) {
                assert_memory_equal(&segments.levels[found->first_level], levels,
                                    level_count * sizeof(*levels));
            }
        }
        code_segments_fini(&segments);
        code_ranges_fini(&ranges);
    }
}

static void code_segments_add_equal_neighbours_are_one(void **state)
{
    (void)state;
    struct code_ranges ranges = {0};
    struct code_segments segments = {0};
    assert_int_equal(code_ranges_add(&ranges, &(struct code_range){10, 20, 1, 0}), 0);
    assert_int_equal(code_ranges_add(&ranges, &(struct code_range){20, 30, 1, 0}), 0);
    assert_int_equal(code_ranges_add(&ranges, &(struct code_range){40, 40, 1, 0}), 0);

    assert_int_equal(code_segments_add(&segments, &ranges), 0);
    assert_int_equal(segments.count, 1);
    assert_int_equal(segments.items[0].end, 30);

    /* but not those of another module */
    assert_int_equal(code_segments_add(&segments, &ranges), 0);
    assert_int_equal(segments.count, 2);
    code_segments_fini(&segments);
    code_ranges_fini(&ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_segments_add_random_ranges_tell_the_same_at_each_address),
        cmocka_unit_test(code_segments_add_equal_neighbours_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
