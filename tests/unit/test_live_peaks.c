#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../analyzer/analyses/live_peaks.h"

static uint64_t begin(struct live_peaks *peaks)
{
    uint64_t moment = 0;
    assert_int_equal(live_peaks_begin(peaks, &moment), 0);
    return moment;
}

static void live_peaks_since_knows_the_most_of_each_moment(void **state)
{
    (void)state;
    struct live_peaks peaks = {0};

    assert_int_equal(live_peaks_add(&peaks, 100, false), 0);
    uint64_t first = begin(&peaks);
    assert_int_equal(live_peaks_add(&peaks, 50, true), 0);
    live_peaks_take(&peaks, 120);
    uint64_t second = begin(&peaks);
    assert_int_equal(live_peaks_add(&peaks, 20, true), 0);
    live_peaks_take(&peaks, 40);
    uint64_t third = begin(&peaks);

    assert_int_equal(live_peaks_since(&peaks, first), 150);
    assert_int_equal(live_peaks_since(&peaks, second), 50);
    assert_int_equal(live_peaks_since(&peaks, third), 10);
    live_peaks_fini(&peaks);
}

/* Against what is found by keeping everything. */
static void live_peaks_since_agrees_with_a_full_history(void **state)
{
    (void)state;
    enum {
        STEPS = 2000,
    };
    static uint64_t history[STEPS + 1];
    static uint64_t moments[STEPS];
    struct live_peaks peaks = {0};
    srand(11);
    for (size_t step = 0; step < STEPS; step++) {
        history[step] = peaks.live_bytes;
        moments[step] = begin(&peaks);
        if (rand() % 2 == 0) {
            assert_int_equal(live_peaks_add(&peaks, (uint64_t)rand() % 100, true), 0);
        } else {
            live_peaks_take(&peaks, (uint64_t)rand() % 100);
        }
    }
    history[STEPS] = peaks.live_bytes;

    for (size_t step = 0; step < STEPS; step++) {
        uint64_t most = 0;
        for (size_t later = step; later <= STEPS; later++) {
            most = history[later] > most ? history[later] : most;
        }
        assert_int_equal(live_peaks_since(&peaks, moments[step]), most);
    }
    assert_true(peaks.count < STEPS);
    live_peaks_forget(&peaks);
    assert_int_equal(peaks.count, 0);
    live_peaks_fini(&peaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_peaks_since_knows_the_most_of_each_moment),
        cmocka_unit_test(live_peaks_since_agrees_with_a_full_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
