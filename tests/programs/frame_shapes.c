/*
 * frame_shapes.c - a random walk through functions of every shape of frame, which allocate at each
 * turn: with and without frame pointer, of varying size, realigned, large, below a function of
 * libc. Prints how often it allocated. With an argument it stays in its own code.
 */
#include <alloca.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH = 30,
    PROBES = 20000
};

static uint64_t random_state = 1;
static unsigned probe_count;
static unsigned shape_count = 9;
static volatile int sink;

static void wander(unsigned depth);

static uint32_t pick(uint32_t count)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % count);
}

static void probe(void)
{
    free(malloc(40));
    probe_count++;
}

static void plain(unsigned depth)
{
    wander(depth);
    sink++;
}

static void with_registers(unsigned depth)
{
    int a = sink;
    int b = sink + 1;
    int c = sink + 2;
    int d = sink + 3;
    int e = sink + 4;
    wander(depth);
    sink = a ^ b ^ c ^ d ^ e;
}

static void with_alloca(unsigned depth)
{
    char *block = alloca(1 + pick(300));
    block[0] = (char)depth;
    wander(depth);
    sink += block[0];
}

static void with_array(unsigned depth)
{
    volatile char array[1 + pick(900)];
    array[0] = (char)depth;
    wander(depth);
    sink += array[0];
}

static void realigned(unsigned depth)
{
    _Alignas(64) volatile char local[128]; /* as vectors of AVX-512 need it */
    local[0] = (char)depth;
    wander(depth);
    sink += local[0];
}

static void realigned_with_alloca(unsigned depth)
{
    _Alignas(64) volatile char local[64];
    char *block = alloca(1 + pick(100));
    local[0] = (char)depth;
    block[0] = 1;
    wander(depth);
    sink += local[0] + block[0];
}

static void large(unsigned depth)
{
    volatile char local[9000];
    local[0] = (char)depth;
    wander(depth);
    sink += local[0];
}

static void with_many_arguments(unsigned depth, int a, int b, int c, int d, int e, int f, int g,
                                int h, ...)
{
    va_list arguments;
    va_start(arguments, h);
    wander(depth);
    sink += a + b + c + d + e + f + g + h + va_arg(arguments, int);
    va_end(arguments);
}

static int compare_and_wander(const void *left, const void *right)
{
    (void)left, (void)right;
    wander(DEPTH);
    return 0;
}

static void below_qsort(unsigned depth)
{
    int numbers[2] = {(int)depth, 2};
    qsort(numbers, 2, sizeof(numbers[0]), compare_and_wander);
    sink += numbers[0];
}

static void step(unsigned depth)
{
    static void (*const shapes[])(unsigned) = {
        plain, with_registers, with_alloca, with_array, realigned, realigned_with_alloca, large,
    };
    uint32_t shape = pick(shape_count);
    if (shape < sizeof(shapes) / sizeof(shapes[0])) {
        shapes[shape](depth + 1);
    } else if (shape == 7) {
        with_many_arguments(depth + 1, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    } else {
        below_qsort(depth + 1);
    }
}

static void wander(unsigned depth)
{
    for (uint32_t steps = 1 + pick(3); steps > 0 && probe_count < PROBES; steps--) {
        if (depth < DEPTH && pick(5) != 0) {
            step(depth);
        }
        for (uint32_t probes = pick(3); probes > 0; probes--) {
            probe();
        }
    }
    sink++;
}

int main(int argc, char **argv)
{
    static char buffer[BUFSIZ];
    (void)argv;
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    shape_count -= argc > 1;
    while (probe_count < PROBES) {
        wander(0);
    }
    printf("%u\n", probe_count);
    return 0;
}
