#include "../../analyzer/model/live_objects.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    IDS = 3000,
    STEPS = 200000,
};

static void live_objects_at_random_are_those_that_were_added(void **state)
{
    (void)state;
    static uint64_t sizes[IDS + 1]; /* 0: not there */
    struct live_objects objects = {0};
    struct live_object found;
    uint64_t random = 1;
    size_t count = 0;

    assert_int_equal(live_objects_remove(&objects, 1, &found), -ENOENT);
    for (int step = 0; step < STEPS; step++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t id = 1 + (random >> 33) % IDS;
        int removed = live_objects_remove(&objects, id, &found);
        assert_int_equal(removed, sizes[id] != 0 ? 0 : -ENOENT);
        if (removed == 0) {
            assert_int_equal(found.size_bytes, sizes[id]);
            assert_int_equal(found.id, id);
            sizes[id] = 0;
            count--;
        } else {
            sizes[id] = (uint64_t)step + 1;
            const struct live_object object = {.id = id, .size_bytes = sizes[id]};
            assert_int_equal(live_objects_add(&objects, &object), 0);
            count++;
        }
        assert_int_equal(objects.used_count, count);
    }

    for (uint64_t id = 1; id <= IDS; id++) {
        assert_int_equal(live_objects_remove(&objects, id, &found), sizes[id] != 0 ? 0 : -ENOENT);
    }
    assert_int_equal(objects.used_count, 0);
    live_objects_fini(&objects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_objects_at_random_are_those_that_were_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
