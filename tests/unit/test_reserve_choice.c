#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/advice/reserve_choice.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct growth_class small = {.chain_count = 10, .step_count = 40, .size_max_bytes = 512};
static struct growth_class large = {.chain_count = 1, .step_count = 1, .size_max_bytes = 1 << 20};

static struct growth_site site(uint32_t stack_id, uint64_t step_count, uint64_t copied_bytes)
{
    return (struct growth_site){.stack_id = stack_id,
                                .chain_count = 10,
                                .step_count = step_count,
                                .copied_bytes = copied_bytes,
                                .classes = &small,
                                .class_count = 1};
}

static size_t choose(struct growth_site *sites, size_t count, double realloc_time_ns,
                     struct reserve_choice choices[RESERVE_CHOICES_MAX])
{
    const struct growth growth = {
        .sites = sites, .site_count = count, .step_count = 100, .copied_bytes = 1000};
    const struct reserve_yardstick yardstick = {.realloc_time_ns = realloc_time_ns,
                                                .cpu_time_ns = 1000,
                                                .peak_bytes = 10 << 20,
                                                .share_least = 0.02};
    return reserve_choose(&growth, &yardstick, choices);
}

/* Of 100 ns in realloc, a tenth of all: steps or bytes, whichever is more. */
static void reserve_choose_takes_what_could_gain(void **state)
{
    (void)state;
    struct reserve_choice choices[RESERVE_CHOICES_MAX];
    struct growth_site sites[] = {site(1, 10, 50), site(2, 20, 0), site(3, 5, 300)};
    assert_int_equal(choose(sites, COUNT_OF(sites), 100, choices), 2);
    assert_int_equal(choices[0].stack_id, 3);
    assert_int_equal(choices[1].stack_id, 2);
    assert_int_equal(choices[0].reserve.reserve_bytes, 512);
    assert_int_equal(choose(sites, COUNT_OF(sites), 10, choices), 0);
    assert_int_equal(choose(sites, COUNT_OF(sites), (double)NAN, choices), 0);
}

static void reserve_choose_keeps_the_best(void **state)
{
    (void)state;
    struct reserve_choice choices[RESERVE_CHOICES_MAX];
    struct growth_site sites[] = {site(1, 21, 0), site(2, 22, 0), site(3, 24, 0), site(4, 23, 0)};
    assert_int_equal(choose(sites, COUNT_OF(sites), 100, choices), RESERVE_CHOICES_MAX);
    assert_int_equal(choices[0].stack_id, 3);
    assert_int_equal(choices[1].stack_id, 4);
    assert_int_equal(choices[2].stack_id, 2);
}

/* A move holds the old block and the new one: a tenth of the peak here. */
static void reserve_choose_counts_what_a_move_holds(void **state)
{
    (void)state;
    struct reserve_choice choices[RESERVE_CHOICES_MAX];
    struct growth_site moved = site(1, 1, 1);
    moved.classes = &large;
    assert_int_equal(choose(&moved, 1, 0, choices), 0);
    moved.moved_count = 1;
    assert_int_equal(choose(&moved, 1, 0, choices), 1);
}

static void reserve_choose_of_nothing_is_nothing(void **state)
{
    (void)state;
    struct reserve_choice choices[RESERVE_CHOICES_MAX];
    assert_int_equal(choose(NULL, 0, 100, choices), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserve_choose_takes_what_could_gain),
        cmocka_unit_test(reserve_choose_keeps_the_best),
        cmocka_unit_test(reserve_choose_counts_what_a_move_holds),
        cmocka_unit_test(reserve_choose_of_nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
