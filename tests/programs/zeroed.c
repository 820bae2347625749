/*
 * zeroed.c - 1,000 callocs of 1,000 bytes at one place, 10 of 1 MiB that glibc maps anew each time,
 * and 100 blocks of 256 bytes at multiples of 256.
 */
#include <stdlib.h>

static void *volatile sink;

static void clear_small(void)
{
    for (int i = 0; i < 1000; i++) {
        free(sink = calloc(1, 1000));
    }
}

static void clear_large(void)
{
    for (int i = 0; i < 10; i++) {
        free(sink = calloc(1, 1 << 20));
    }
}

static void align(void)
{
    for (int i = 0; i < 100; i++) {
        free(sink = aligned_alloc(256, 256));
    }
}

int main(void)
{
    clear_small();
    clear_large();
    align();
    return 0;
}
