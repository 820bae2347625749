#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/replay/neutral.h"

enum {
    SITE = 7,
    OTHER_SITE = 8,
    MAKER = 1,
    TAKER = 2,
    ENDED = 3, /* at 100 ns */
};

static struct thread_row threads[] = {{.id = MAKER, .ended_ns = QUERY_NULL},
                                      {.id = TAKER, .ended_ns = QUERY_NULL},
                                      {.id = ENDED, .ended_ns = 100}};
static const struct trace trace = {.threads = threads, .thread_count = 3};

static struct block_facts block(uint32_t stack_id, uint64_t size_bytes)
{
    return (struct block_facts){
        .id = 1, .stack_id = stack_id, .size_bytes = size_bytes, .thread_id = MAKER};
}

static struct operation allocation(uint32_t stack_id, uint64_t size_bytes)
{
    return (struct operation){.kind = OPERATION_ALLOC, .made = block(stack_id, size_bytes)};
}

static struct operation release(uint32_t stack_id, uint64_t size_bytes)
{
    return (struct operation){.kind = OPERATION_FREE, .ended = block(stack_id, size_bytes)};
}

static struct operation growth(uint64_t from_bytes, uint64_t to_bytes)
{
    return (struct operation){
        .kind = OPERATION_REALLOC, .made = block(SITE, to_bytes), .ended = block(SITE, from_bytes)};
}

/* Of a neutral that keeps nothing from call to call. */
static int apply(const struct neutral *neutral, struct operation *operation)
{
    struct live_objects reserved = {0};
    int result = neutral_apply(neutral, &trace, &reserved, operation);
    assert_int_equal(reserved.used_count, 0);
    return result;
}

static void neutral_apply_leaves_a_site_out_whole(void **state)
{
    (void)state;
    const struct neutral neutral = {NEUTRAL_SITE, .stack_id = SITE};
    struct operation made = allocation(SITE, 16);
    struct operation ended = release(SITE, 16);
    struct operation other = allocation(OTHER_SITE, 16);
    struct operation other_end = release(OTHER_SITE, 16);

    assert_int_equal(apply(&neutral, &made), NEUTRAL_GONE);
    assert_int_equal(apply(&neutral, &ended), NEUTRAL_GONE);
    assert_int_equal(apply(&neutral, &other), NEUTRAL_STAYS);
    assert_int_equal(apply(&neutral, &other_end), NEUTRAL_STAYS);
    assert_int_equal(other.kind, OPERATION_ALLOC);
    assert_int_equal(other_end.kind, OPERATION_FREE);
}

static void neutral_apply_sizes_with_their_ends(void **state)
{
    (void)state;
    const struct neutral neutral = {NEUTRAL_SIZES, .size_min_bytes = 10, .size_max_bytes = 20};
    static const struct {
        uint64_t size_bytes;
        bool stays;
    } cases[] = {{9, true}, {10, false}, {20, false}, {21, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct operation operation = allocation(SITE, cases[i].size_bytes);
        assert_int_equal(apply(&neutral, &operation), cases[i].stays);
    }
}

/* What a realloc is, where one of its blocks is not there. */
static void neutral_apply_realloc_becomes_what_is_left_of_it(void **state)
{
    (void)state;
    const struct neutral neutral = {NEUTRAL_SIZES, .size_min_bytes = 10, .size_max_bytes = 20};
    struct operation stays = growth(30, 40);
    struct operation grows_in = growth(5, 15);
    struct operation grows_out = growth(15, 25);
    struct operation goes = growth(12, 18);

    assert_int_equal(apply(&neutral, &stays), NEUTRAL_STAYS);
    assert_int_equal(stays.kind, OPERATION_REALLOC);
    assert_int_equal(apply(&neutral, &grows_in), NEUTRAL_STAYS);
    assert_int_equal(grows_in.kind, OPERATION_FREE);
    assert_int_equal(grows_in.ended.size_bytes, 5);
    assert_int_equal(grows_in.made.size_bytes, 0);
    assert_int_equal(apply(&neutral, &grows_out), NEUTRAL_STAYS);
    assert_int_equal(grows_out.kind, OPERATION_ALLOC);
    assert_int_equal(grows_out.made.size_bytes, 25);
    assert_int_equal(grows_out.ended.size_bytes, 0);
    assert_int_equal(apply(&neutral, &goes), NEUTRAL_GONE);
}

static void neutral_apply_handoffs_end_where_they_began(void **state)
{
    (void)state;
    const struct neutral neutral = {.kind = NEUTRAL_HANDOFFS};
    struct operation ended = release(SITE, 16);
    ended.thread_id = TAKER;
    assert_int_equal(apply(&neutral, &ended), NEUTRAL_STAYS);
    assert_int_equal(ended.thread_id, MAKER);

    struct operation late = release(SITE, 16); /* its maker is gone by then */
    late.ended.thread_id = ENDED;
    late.thread_id = TAKER;
    late.at_ns = 200;
    assert_int_equal(apply(&neutral, &late), NEUTRAL_STAYS);
    assert_int_equal(late.thread_id, TAKER);
}

static struct operation step(uint64_t from_id, uint64_t from_bytes, uint64_t to_bytes)
{
    struct operation operation = growth(from_bytes, to_bytes);
    operation.ended.id = from_id;
    operation.made.id = from_id + 1;
    return operation;
}

/* Its first step asks for all, the next are left out, and what ends is what was reserved. */
static void neutral_apply_reserves_once(void **state)
{
    (void)state;
    const struct neutral neutral = {NEUTRAL_GROWTH, .stack_id = SITE, .reserve_bytes = 100};
    struct live_objects reserved = {0};
    struct operation begun = allocation(OTHER_SITE, 10);
    struct operation first = step(1, 10, 20);
    struct operation second = step(2, 20, 100);
    struct operation ended = release(SITE, 100);
    ended.ended.id = 3;

    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &begun), NEUTRAL_STAYS);
    assert_int_equal(begun.made.size_bytes, 10);
    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &first), NEUTRAL_STAYS);
    assert_int_equal(first.kind, OPERATION_REALLOC);
    assert_int_equal(first.made.size_bytes, 100);
    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &second), NEUTRAL_KEPT);
    assert_int_equal(second.ended.id, 2);
    assert_int_equal(second.made.size_bytes, 100);
    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &ended), NEUTRAL_STAYS);
    assert_int_equal(ended.ended.id, 2); /* what the first step made */
    assert_int_equal(ended.ended.size_bytes, 100);
    assert_int_equal(reserved.used_count, 0);
    live_objects_fini(&reserved);
}

/* From where it no longer suffices all is as it was recorded. */
static void neutral_apply_reserve_is_outgrown(void **state)
{
    (void)state;
    const struct neutral neutral = {NEUTRAL_GROWTH, .stack_id = SITE, .reserve_bytes = 100};
    struct live_objects reserved = {0};
    struct operation first = step(1, 10, 20);
    struct operation second = step(2, 20, 90);
    struct operation third = step(3, 90, 101);
    struct operation fourth = step(4, 101, 200);

    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &first), NEUTRAL_STAYS);
    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &second), NEUTRAL_KEPT);
    assert_int_equal(second.ended.id, 2);
    assert_int_equal(second.made.size_bytes, 90);
    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &third), NEUTRAL_STAYS);
    assert_int_equal(third.ended.id, 2);
    assert_int_equal(third.made.size_bytes, 101);
    assert_int_equal(neutral_apply(&neutral, &trace, &reserved, &fourth), NEUTRAL_STAYS);
    assert_int_equal(fourth.ended.id, 4);
    assert_int_equal(fourth.made.size_bytes, 200);
    assert_int_equal(reserved.used_count, 0);
    live_objects_fini(&reserved);
}

/* Other stacks, and steps to less, reserve nothing. */
static void neutral_apply_reserve_is_for_growth_of_its_site(void **state)
{
    (void)state;
    const struct neutral neutral = {NEUTRAL_GROWTH, .stack_id = SITE, .reserve_bytes = 100};
    struct operation other = step(1, 10, 20);
    struct operation smaller = step(1, 20, 10);
    other.made.stack_id = OTHER_SITE;
    assert_int_equal(apply(&neutral, &other), NEUTRAL_STAYS);
    assert_int_equal(other.made.size_bytes, 20);
    assert_int_equal(apply(&neutral, &smaller), NEUTRAL_STAYS);
    assert_int_equal(smaller.made.size_bytes, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neutral_apply_leaves_a_site_out_whole),
        cmocka_unit_test(neutral_apply_sizes_with_their_ends),
        cmocka_unit_test(neutral_apply_realloc_becomes_what_is_left_of_it),
        cmocka_unit_test(neutral_apply_handoffs_end_where_they_began),
        cmocka_unit_test(neutral_apply_reserves_once),
        cmocka_unit_test(neutral_apply_reserve_is_outgrown),
        cmocka_unit_test(neutral_apply_reserve_is_for_growth_of_its_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
