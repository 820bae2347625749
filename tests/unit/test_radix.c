#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/base/radix.h"

enum {
    PAIRS = 5000,
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Sorts pairs whose value is their place, and checks order and stability. */
static void check_sorted(struct radix_pair *pairs, size_t count, uint64_t sum)
{
    uint64_t found = 0;

    assert_int_equal(radix_sort(pairs, count), 0);

    for (size_t i = 0; i < count; i++) {
        found += pairs[i].key ^ pairs[i].value;
        if (i > 0) {
            assert_true(pairs[i - 1].key < pairs[i].key ||
                        (pairs[i - 1].key == pairs[i].key && pairs[i - 1].value < pairs[i].value));
        }
    }
    assert_true(found == sum);
}

static void radix_sort_of_random_keys_is_in_order(void **state)
{
    (void)state;
    static const uint64_t masks[] = {UINT64_MAX, 0xff, 0x7ffffffff0, UINT64_C(1) << 63,
                                     UINT64_C(0x8000000000000001)};
    struct radix_pair *pairs = calloc(PAIRS, sizeof(*pairs));
    uint64_t random = 1;
    assert_non_null(pairs);
    for (size_t mask = 0; mask < sizeof(masks) / sizeof(masks[0]); mask++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < PAIRS; i++) {
            pairs[i] = (struct radix_pair){next_random(&random) & masks[mask], i};
            sum += pairs[i].key ^ i;
        }
        check_sorted(pairs, PAIRS, sum);
    }
    free(pairs);
}

static void radix_sort_of_few_or_ordered_keeps_them(void **state)
{
    (void)state;
    struct radix_pair pairs[] = {{1, 0}, {1, 1}, {UINT64_MAX, 2}};

    assert_int_equal(radix_sort(NULL, 0), 0);
    check_sorted(pairs, 1, 1);
    check_sorted(pairs, 3, 1 + (1 ^ 1) + (UINT64_MAX ^ 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(radix_sort_of_random_keys_is_in_order),
        cmocka_unit_test(radix_sort_of_few_or_ordered_keeps_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
