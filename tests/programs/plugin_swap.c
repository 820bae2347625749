/*
 * A library whose functions are named as ends of frames. They take and give values in every way
 * that a call can.
 *
 * build: -shared -fPIC
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include "plugin_swap.h"

double swap_window(int a, double b, const char *text, ...)
{
    va_list list;
    va_start(list, text);
    int c = va_arg(list, int);
    double d = va_arg(list, double);
    va_end(list);
    return a + 2 * b + 100 * c + 1000 * d + text[0];
}

struct swapped swap_struct(struct swapped in, long a, long b, long c, long d, long e, long f,
                           long g)
{
    in.numbers[0] += a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;
    in.real *= 2;
    return in;
}

long double swap_long_double(long double a, __int128 b)
{
    return a + (long double)b;
}

__attribute__((target("avx"))) swap_vector swap_vectors(swap_vector a, swap_vector b)
{
    return a + b * 2;
}

__attribute__((target("avx512f"))) swap_wide swap_wides(swap_wide a, swap_wide b)
{
    return a + b * 3;
}

/* Calls that the loader binds in the scope of this library. */
void play_frames(int count)
{
    for (int i = 0; i < count; i++) {
        free(malloc(16));
        swap_window(i, 0.5, "x", i, 1.5);
    }
}
