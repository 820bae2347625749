/*
 * plugin_swap.h - what plugin_swap.c offers.
 */
#ifndef PLUGIN_SWAP_H
#define PLUGIN_SWAP_H

struct swapped {
    long numbers[4];
    double real;
};

typedef double swap_vector __attribute__((vector_size(32)));
typedef double swap_wide __attribute__((vector_size(64)));

double swap_window(int a, double b, const char *text, ...) __attribute__((weak));
struct swapped swap_struct(struct swapped in, long a, long b, long c, long d, long e, long f,
                           long g) __attribute__((weak));
long double swap_long_double(long double a, __int128 b) __attribute__((weak));
__attribute__((target("avx"))) swap_vector swap_vectors(swap_vector a, swap_vector b)
    __attribute__((weak));
__attribute__((target("avx512f"))) swap_wide swap_wides(swap_wide a, swap_wide b)
    __attribute__((weak));
void play_frames(int count) __attribute__((weak));

#endif
