#include "../../analyzer/collect/recording/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "../../schema/ring.h"

static void clock_ticks_never_go_back(void **state)
{
    (void)state;
    struct clock clock;
    clock_start(&clock);
    clock_calibrate(&clock);

    uint64_t before = clock.start_ticks;
    uint64_t before_ns = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t ticks = clock_ticks(&clock);
        assert_true(ticks >= before);
        assert_true(clock_ns(&clock, ticks) >= before_ns);
        before = ticks;
        before_ns = clock_ns(&clock, ticks);
    }
}

static void clock_ns_follows_the_monotonic_clock(void **state)
{
    (void)state;
    struct clock clock;
    clock_start(&clock);
    clock_calibrate(&clock);
    struct timespec rest = {.tv_nsec = 50000000};
    nanosleep(&rest, NULL);

    uint64_t before_ns = clock_monotonic_ns() - clock.start_monotonic_ns;
    uint64_t ns = clock_ns(&clock, clock_ticks(&clock));
    uint64_t after_ns = clock_monotonic_ns() - clock.start_monotonic_ns;

    /* a thousandth covers the calibration even if it was interrupted */
    assert_true(ns + ns / 1000 + 1000 >= before_ns);
    assert_true(ns <= after_ns + after_ns / 1000 + 1000);
}

static void clock_ns_before_the_start_is_zero(void **state)
{
    (void)state;
    struct clock clock;
    clock_start(&clock);
    clock_calibrate(&clock);

    assert_int_equal(clock_ns(&clock, clock.start_ticks), 0);
    assert_int_equal(clock_ns(&clock, clock.start_ticks - 1), 0);
    assert_int_equal(clock_ns(&clock, 0), 0);
}

static void clock_calibrate_monotonic_ticks_are_ns(void **state)
{
    (void)state;
    struct clock clock = {.kind = RING_CLOCK_MONOTONIC, .epoch_ticks = 1000};
    clock_calibrate(&clock);

    assert_int_equal(clock_ns(&clock, 1000), 0);
    assert_int_equal(clock_ns(&clock, 1000 + 123456789), 123456789);
    assert_int_equal(clock_span_ns(&clock, UINT64_C(86400000000000) * 365), 86400000000000 * 365);
    assert_int_equal(clock_span_ticks(&clock, 777), 777);
}

static void check_spans(uint64_t ns_per_tick_32)
{
    const struct clock clock = {.kind = RING_CLOCK_TSC, .ns_per_tick_32 = ns_per_tick_32};
    uint64_t before_ns = 0;
    for (uint64_t ns = 0; ns < UINT64_C(1) << 60; ns = ns * 5 + 3) {
        uint64_t ticks = clock_span_ticks(&clock, ns);
        uint64_t back_ns = clock_span_ns(&clock, ticks);

        assert_true(back_ns <= ns);
        /* both ways round down: at most a tick, and the last bit of the factor */
        assert_true(ns - back_ns <= (ns_per_tick_32 >> 32) + 1);
        assert_true(back_ns >= before_ns);
        before_ns = back_ns;
    }
}

static void clock_spans_come_back(void **state)
{
    (void)state;
    check_spans(UINT64_C(1) << 32);             /* 1 GHz */
    check_spans((UINT64_C(1) << 32) / 3);       /* 3 GHz */
    check_spans((UINT64_C(1) << 32) * 10 / 48); /* 4.8 GHz */
    check_spans(UINT64_C(41) << 32);            /* 24 MHz, as on ARM */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_ticks_never_go_back),
        cmocka_unit_test(clock_ns_follows_the_monotonic_clock),
        cmocka_unit_test(clock_ns_before_the_start_is_zero),
        cmocka_unit_test(clock_calibrate_monotonic_ticks_are_ns),
        cmocka_unit_test(clock_spans_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
