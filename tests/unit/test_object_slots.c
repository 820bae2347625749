#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/replay/object_slots.h"

static void slots_take_uses_again_what_its_thread_gave_back(void **state)
{
    (void)state;
    struct object_slots slots;
    uint32_t slot[4];
    assert_int_equal(object_slots_init(&slots, 2), 0);
    assert_int_equal(object_slots_take(&slots, 10, 0, &slot[0]), 0);
    assert_int_equal(object_slots_take(&slots, 11, 0, &slot[1]), 0);
    object_slots_give(&slots, slot[0], 1);

    assert_int_equal(object_slots_take(&slots, 12, 0, &slot[2]), 0);
    assert_int_equal(object_slots_take(&slots, 13, 1, &slot[3]), 0);

    assert_int_equal(slot[0], 0);
    assert_int_equal(slot[1], 1);
    assert_int_equal(slot[2], 2);
    assert_int_equal(slot[3], 0);
    assert_int_equal(slots.count, 3);
    object_slots_fini(&slots);
}

static void slots_take_of_a_living_object_is_refused(void **state)
{
    (void)state;
    struct object_slots slots;
    uint32_t slot;
    assert_int_equal(object_slots_init(&slots, 1), 0);
    assert_int_equal(object_slots_take(&slots, 10, 0, &slot), 0);

    assert_int_equal(object_slots_take(&slots, 10, 0, &slot), -EEXIST);
    object_slots_fini(&slots);
}

static void slots_find_of_an_unknown_object_fails(void **state)
{
    (void)state;
    struct object_slots slots;
    uint32_t slot;
    assert_int_equal(object_slots_init(&slots, 1), 0);

    assert_int_equal(object_slots_find(&slots, 10, &slot), -ENOENT);
    assert_int_equal(object_slots_take(&slots, 10, 0, &slot), 0);
    assert_int_equal(object_slots_find(&slots, 11, &slot), -ENOENT);
    object_slots_fini(&slots);
}

static void slots_rename_keeps_the_slot(void **state)
{
    (void)state;
    struct object_slots slots;
    uint32_t slot;
    uint32_t found;
    assert_int_equal(object_slots_init(&slots, 1), 0);
    assert_int_equal(object_slots_take(&slots, 10, 0, &slot), 0);

    assert_int_equal(object_slots_rename(&slots, slot, 20), 0);

    assert_int_equal(object_slots_find(&slots, 20, &found), 0);
    assert_int_equal(found, slot);
    assert_int_equal(object_slots_find(&slots, 10, &found), -ENOENT);
    object_slots_fini(&slots);
}

/* Against a plain array: every object that lives is found, every other is not. */
static void slots_of_many_objects_stay_right(void **state)
{
    (void)state;
    enum {
        OBJECTS = 5000,
        STEPS = 100000,
    };
    static uint32_t slot_of[OBJECTS];
    static bool lives[OBJECTS];
    struct object_slots slots;
    uint64_t random = 1;
    assert_int_equal(object_slots_init(&slots, 1), 0);

    for (unsigned i = 0; i < STEPS; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t object = (random >> 33) % OBJECTS;
        uint32_t found;
        int result = object_slots_find(&slots, object + 1, &found);
        assert_int_equal(result, lives[object] ? 0 : -ENOENT);
        if (lives[object]) {
            assert_int_equal(found, slot_of[object]);
            object_slots_give(&slots, found, 0);
        } else {
            assert_int_equal(object_slots_take(&slots, object + 1, 0, &slot_of[object]), 0);
        }
        lives[object] = !lives[object];
    }

    assert_true(slots.count <= OBJECTS);
    object_slots_fini(&slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_take_uses_again_what_its_thread_gave_back),
        cmocka_unit_test(slots_take_of_a_living_object_is_refused),
        cmocka_unit_test(slots_find_of_an_unknown_object_fails),
        cmocka_unit_test(slots_rename_keeps_the_slot),
        cmocka_unit_test(slots_of_many_objects_stay_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
