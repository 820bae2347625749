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

static void neutral_apply_leaves_a_site_out_whole(void **state)
{
    (void)state;
    const struct neutral neutral = {NEUTRAL_SITE, .stack_id = SITE};
    struct operation made = allocation(SITE, 16);
    struct operation ended = release(SITE, 16);
    struct operation other = allocation(OTHER_SITE, 16);
    struct operation other_end = release(OTHER_SITE, 16);

    assert_false(neutral_apply(&neutral, &trace, &made));
    assert_false(neutral_apply(&neutral, &trace, &ended));
    assert_true(neutral_apply(&neutral, &trace, &other));
    assert_true(neutral_apply(&neutral, &trace, &other_end));
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
        assert_int_equal(neutral_apply(&neutral, &trace, &operation), cases[i].stays);
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

    assert_true(neutral_apply(&neutral, &trace, &stays));
    assert_int_equal(stays.kind, OPERATION_REALLOC);
    assert_true(neutral_apply(&neutral, &trace, &grows_in));
    assert_int_equal(grows_in.kind, OPERATION_FREE);
    assert_int_equal(grows_in.ended.size_bytes, 5);
    assert_int_equal(grows_in.made.size_bytes, 0);
    assert_true(neutral_apply(&neutral, &trace, &grows_out));
    assert_int_equal(grows_out.kind, OPERATION_ALLOC);
    assert_int_equal(grows_out.made.size_bytes, 25);
    assert_int_equal(grows_out.ended.size_bytes, 0);
    assert_false(neutral_apply(&neutral, &trace, &goes));
}

static void neutral_apply_handoffs_end_where_they_began(void **state)
{
    (void)state;
    const struct neutral neutral = {.kind = NEUTRAL_HANDOFFS};
    struct operation ended = release(SITE, 16);
    ended.thread_id = TAKER;
    assert_true(neutral_apply(&neutral, &trace, &ended));
    assert_int_equal(ended.thread_id, MAKER);

    struct operation late = release(SITE, 16); /* its maker is gone by then */
    late.ended.thread_id = ENDED;
    late.thread_id = TAKER;
    late.at_ns = 200;
    assert_true(neutral_apply(&neutral, &trace, &late));
    assert_int_equal(late.thread_id, TAKER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neutral_apply_leaves_a_site_out_whole),
        cmocka_unit_test(neutral_apply_sizes_with_their_ends),
        cmocka_unit_test(neutral_apply_realloc_becomes_what_is_left_of_it),
        cmocka_unit_test(neutral_apply_handoffs_end_where_they_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
