#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../analyzer/replay/touch_fit.h"

enum {
    MOMENTS = 50
};

#define MIB 1048576.0

/* A heap that grows and shrinks, in a program that touches `share` of it and has `base` beside. */
static void fill(struct touch_moment *moments, double share, double base_bytes, double heap_bytes)
{
    for (size_t i = 0; i < MOMENTS; i++) {
        double all_bytes = heap_bytes * (1 + sin((double)i / 5)) / 2;
        double none_bytes = all_bytes / 50;
        moments[i] = (struct touch_moment){
            .weight = 1 + (double)(i % 3),
            .recorded_bytes = base_bytes + none_bytes + share * (all_bytes - none_bytes),
            .none_bytes = none_bytes,
            .all_bytes = all_bytes,
        };
    }
}

static void expect(double found, double wanted, double most)
{
    if (fabs(found - wanted) > most) {
        fail_msg("%g is not %g", found, wanted);
    }
}

static void touch_fit_find_share_and_base_are_found(void **state)
{
    (void)state;
    static const double shares[] = {0, 0.1, 0.37, 0.9, 1};
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        struct touch_moment moments[MOMENTS];
        struct touch_fit fit;
        fill(moments, shares[i], 12 * MIB, 100 * MIB);

        touch_fit_find(moments, MOMENTS, &fit);

        expect(fit.share, shares[i], 1e-6);
        expect(fit.base_bytes, 12 * MIB, 16);
        assert_false(fit.is_indifferent);
    }
}

static void touch_fit_find_noise_is_averaged_out(void **state)
{
    (void)state;
    struct touch_moment moments[MOMENTS];
    struct touch_fit fit;
    fill(moments, 0.5, 12 * MIB, 100 * MIB);
    for (size_t i = 0; i < MOMENTS; i++) {
        moments[i].recorded_bytes += i % 2 == 0 ? MIB : -MIB;
    }

    touch_fit_find(moments, MOMENTS, &fit);

    expect(fit.share, 0.5, 0.01);
    expect(fit.base_bytes, 12 * MIB, MIB / 2);
}

static void touch_fit_find_heap_that_is_little_of_it_is_indifferent(void **state)
{
    (void)state;
    struct touch_moment moments[MOMENTS];
    struct touch_fit fit;
    fill(moments, 0.5, 100 * MIB, MIB);

    touch_fit_find(moments, MOMENTS, &fit);

    assert_true(fit.is_indifferent);
    expect(fit.share, 1, 0);
    expect(fit.base_bytes, 99.7 * MIB, MIB);
}

static void touch_fit_find_other_memory_that_grows_with_the_heap_ends_at_all(void **state)
{
    (void)state;
    struct touch_moment moments[MOMENTS];
    struct touch_fit fit;
    fill(moments, 1.7, 12 * MIB, 100 * MIB);

    touch_fit_find(moments, MOMENTS, &fit);

    expect(fit.share, 1, 0);
}

static void touch_fit_find_base_is_never_negative(void **state)
{
    (void)state;
    struct touch_moment moments[MOMENTS];
    struct touch_fit fit;
    fill(moments, 0.5, -5 * MIB, 100 * MIB);

    touch_fit_find(moments, MOMENTS, &fit);

    expect(fit.base_bytes, 0, 0);
    assert_true(fit.share > 0.3 && fit.share < 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(touch_fit_find_share_and_base_are_found),
        cmocka_unit_test(touch_fit_find_noise_is_averaged_out),
        cmocka_unit_test(touch_fit_find_heap_that_is_little_of_it_is_indifferent),
        cmocka_unit_test(touch_fit_find_other_memory_that_grows_with_the_heap_ends_at_all),
        cmocka_unit_test(touch_fit_find_base_is_never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
