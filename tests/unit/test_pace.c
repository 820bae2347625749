#include "../../analyzer/collect/drain/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

enum {
    MS = 1000000,
    TRIES = 200, /* on a busy machine */
};

static uint64_t clock_of(clockid_t id)
{
    struct timespec now;
    assert_int_equal(clock_gettime(id, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void pace_has_processor_at_once_is_false(void **state)
{
    (void)state;
    struct pace pace;

    pace_begin(&pace);

    assert_false(pace_has_processor(&pace));
}

static void pace_has_processor_after_waiting_is_false(void **state)
{
    (void)state;
    const struct timespec pause = {.tv_nsec = 10 * MS};
    struct pace pace;
    pace_begin(&pace);

    nanosleep(&pause, NULL);

    assert_false(pace_has_processor(&pace));
}

/* Works for some ms. False: something else had the processor meanwhile. */
static bool work(void)
{
    uint64_t wall_ns = clock_of(CLOCK_MONOTONIC);
    uint64_t cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID);
    while (clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu_ns < 5 * MS) {
    }
    return clock_of(CLOCK_MONOTONIC) - wall_ns < 6 * MS;
}

static void pace_has_processor_after_working_is_true(void **state)
{
    (void)state;
    for (int i = 0; i < TRIES; i++) {
        struct pace pace;
        pace_begin(&pace);
        if (work()) {
            assert_true(pace_has_processor(&pace));
            return;
        }
    }
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pace_has_processor_at_once_is_false),
        cmocka_unit_test(pace_has_processor_after_waiting_is_false),
        cmocka_unit_test(pace_has_processor_after_working_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
