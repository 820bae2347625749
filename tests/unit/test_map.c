#include "../../analyzer/base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static void map_get_from_zeroed_map_finds_nothing(void **state)
{
    (void)state;
    struct map map = {0};
    uint32_t value = 7;

    assert_false(map_get(&map, 0, &value));

    assert_int_equal(value, 7);
    map_clear(&map);
    map_fini(&map);
}

static void map_put_extreme_keys_and_values_are_kept(void **state)
{
    (void)state;
    static const uint64_t keys[] = {0, 1, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX};
    struct map map = {0};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(map_put(&map, keys[i], i == 0 ? UINT32_MAX : i - 1), 0);
    }

    uint32_t value;
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(map_get(&map, keys[i], &value));
        assert_int_equal(value, i == 0 ? UINT32_MAX : i - 1);
    }

    assert_false(map_get(&map, 2, &value));
    map_fini(&map);
}

static void map_put_known_key_replaces_its_value(void **state)
{
    (void)state;
    struct map map = {0};
    uint32_t value;
    assert_int_equal(map_put(&map, 42, 1), 0);

    assert_int_equal(map_put(&map, 42, 2), 0);

    assert_true(map_get(&map, 42, &value));
    assert_int_equal(value, 2);
    assert_int_equal(map.used_count, 1);
    map_fini(&map);
}

/* Random puts over few keys, so that most replace, against an array. */
static void map_put_random_keys_equals_an_array(void **state)
{
    (void)state;
    enum {
        KEYS = 20000
    };
    struct map map = {0};
    uint32_t *values = calloc(KEYS, sizeof(*values));
    unsigned char *is_there = calloc(KEYS, 1);
    uint64_t random = 3;
    size_t count = 0;
    for (int i = 0; i < 60000; i++) {
        uint64_t index = next_random(&random) % KEYS;
        values[index] = (uint32_t)next_random(&random);
        count += !is_there[index];
        is_there[index] = 1;
        assert_int_equal(map_put(&map, index << 12, values[index]), 0); /* like addresses */
    }

    assert_int_equal(map.used_count, count);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint32_t value;
        assert_int_equal(map_get(&map, i << 12, &value), is_there[i]);
        if (is_there[i]) {
            assert_int_equal(value, values[i]);
        }
    }
    map_fini(&map);
    free(values);
    free(is_there);
}

static void map_clear_forgets_all_and_serves_again(void **state)
{
    (void)state;
    struct map map = {0};
    uint32_t value;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(map_put(&map, i, i), 0);
    }
    size_t slot_count = map.slot_count;

    map_clear(&map);

    assert_int_equal(map.used_count, 0);
    assert_int_equal(map.slot_count, slot_count);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_false(map_get(&map, i, &value));
    }
    assert_int_equal(map_put(&map, 5, 6), 0);
    assert_true(map_get(&map, 5, &value));
    assert_int_equal(value, 6);
    map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_get_from_zeroed_map_finds_nothing),
        cmocka_unit_test(map_put_extreme_keys_and_values_are_kept),
        cmocka_unit_test(map_put_known_key_replaces_its_value),
        cmocka_unit_test(map_put_random_keys_equals_an_array),
        cmocka_unit_test(map_clear_forgets_all_and_serves_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
