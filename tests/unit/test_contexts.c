#include "../../analyzer/collect/recording/contexts.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Differs from context_at() of every other number. */
static struct context context_at(uint32_t number)
{
    return (struct context){
        .process_id = 1,
        .thread_id = number % 7 + 1,
        .stack_id = number / 7 % 1000 + 1,
        .region = number / 7000,
        .free_kind = CONTEXT_NOT_FREED,
    };
}

static void contexts_intern_numbers_new_ones_from_one(void **state)
{
    (void)state;
    enum {
        COUNT = 20000
    };
    struct contexts contexts = {0};
    uint32_t id;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            const struct context context = context_at(i);
            assert_int_equal(contexts_intern(&contexts, &context, &id), 0);
            assert_int_equal(id, i + 1);
        }
    }
    assert_int_equal(contexts.count, COUNT);
    const struct context *last = contexts_get(&contexts, COUNT);
    const struct context expected = context_at(COUNT - 1);
    assert_memory_equal(last, &expected, sizeof(expected));
    contexts_fini(&contexts);
}

static void contexts_intern_every_field_makes_a_difference(void **state)
{
    (void)state;
    const struct context all[] = {
        {0},
        {.process_id = 1},
        {.thread_id = 1},
        {.stack_id = 1},
        {.freed_by_thread_id = 1},
        {.region = 1},
        {.slack_bytes = 1},
        {.alloc_kind = 1},
        {.free_kind = 1},
    };
    struct contexts contexts = {0};
    for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        uint32_t id;
        assert_int_equal(contexts_intern(&contexts, &all[i], &id), 0);
        assert_int_equal(id, i + 1);
    }
    contexts_fini(&contexts);
}

static void contexts_get_of_an_unknown_id_gives_null(void **state)
{
    (void)state;
    struct contexts contexts = {0};
    const struct context context = context_at(1);
    uint32_t id;
    assert_null(contexts_get(&contexts, 1));
    assert_int_equal(contexts_intern(&contexts, &context, &id), 0);

    assert_non_null(contexts_get(&contexts, 1));
    assert_null(contexts_get(&contexts, 0));
    assert_null(contexts_get(&contexts, 2));
    assert_null(contexts_get(&contexts, UINT64_MAX));
    contexts_fini(&contexts);
}

static void context_address_puts_region_and_offset_together(void **state)
{
    (void)state;
    const uint64_t address = 0x7f12fedcba90;
    const struct context context = {.region = (uint32_t)(address >> CONTEXT_REGION_BITS)};

    assert_int_equal(context_address(&context, address & INT32_MAX), address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contexts_intern_numbers_new_ones_from_one),
        cmocka_unit_test(contexts_intern_every_field_makes_a_difference),
        cmocka_unit_test(contexts_get_of_an_unknown_id_gives_null),
        cmocka_unit_test(context_address_puts_region_and_offset_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
