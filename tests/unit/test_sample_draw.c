#include "../../interposer/sample_draw.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    DRAWS = 200000,
};

static void sample_log_of_any_bits_is_that_of_libm(void **state)
{
    (void)state;
    uint64_t random = 7;
    double worst = 0;

    for (int i = 0; i < 100000; i++) {
        uint64_t bits = sample_random(&random) >> (i % 64);
        bits = bits == 0 ? 1 : bits;
        double expected = (64 - log2((double)bits)) * log(2);
        double found = (double)sample_log(bits) / 4294967296.0;
        worst = fmax(worst, fabs(found - expected));
    }

    assert_true(worst < 1e-8);
}

static void sample_log_of_extremes_stays_in_range(void **state)
{
    (void)state;

    assert_true(sample_log(UINT64_MAX) <= 4);
    assert_true(fabs((double)sample_log(1) / 4294967296.0 - 64 * log(2)) < 1e-6);
    assert_true(fabs((double)sample_log(UINT64_C(1) << 63) / 4294967296.0 - log(2)) < 1e-8);
}

/* Whether n bytes hold a sample point is what weights are made from: 1 - exp(-n / mean). */
static void check_share_within(uint64_t mean_bytes, uint64_t bytes)
{
    uint64_t random = mean_bytes * 31 + bytes;
    unsigned count = 0;
    for (int i = 0; i < DRAWS; i++) {
        count += sample_draw(&random, mean_bytes) <= bytes;
    }
    double probability = -expm1(-(double)bytes / (double)mean_bytes);
    double error = sqrt(DRAWS * probability * (1 - probability));
    assert_true(fabs(count - DRAWS * probability) <= 4.5 * error + 1);
}

static void sample_draw_of_any_mean_is_exponential(void **state)
{
    (void)state;
    static const uint64_t means[] = {1, 2, 7, 64, 4096, 524288, SAMPLE_MEAN_MAX};

    for (size_t i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
        for (uint64_t bytes = 1; bytes < means[i] * 16; bytes *= 5) {
            check_share_within(means[i], bytes);
        }
    }
}

static void sample_draw_is_at_least_one_and_of_the_right_mean(void **state)
{
    (void)state;
    uint64_t random = 1;
    double sum = 0;

    for (int i = 0; i < DRAWS; i++) {
        uint64_t bytes = sample_draw(&random, 1000);
        assert_true(bytes >= 1);
        sum += (double)bytes - 0.5;
    }

    assert_true(fabs(sum / DRAWS - 1000) < 4.5 * 1000 / sqrt(DRAWS));
}

static void sample_random_of_neighbouring_states_is_unrelated(void **state)
{
    (void)state;
    unsigned differing_bits = 0;

    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t left = i;
        uint64_t right = i + 1;
        differing_bits +=
            (unsigned)__builtin_popcountll(sample_random(&left) ^ sample_random(&right));
    }

    assert_in_range(differing_bits, 31000, 33000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_log_of_any_bits_is_that_of_libm),
        cmocka_unit_test(sample_log_of_extremes_stays_in_range),
        cmocka_unit_test(sample_draw_of_any_mean_is_exponential),
        cmocka_unit_test(sample_draw_is_at_least_one_and_of_the_right_mean),
        cmocka_unit_test(sample_random_of_neighbouring_states_is_unrelated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
