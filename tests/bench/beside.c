/*
 * beside.c - what a hooked pair of malloc and free costs beside one that goes straight to libc.
 *
 *   beside COUNT
 *
 * Makes pairs as pairs.c does, in slices of 200,000 that take turns: through malloc and free as
 * they are found from here, and through libc's own. Both have the same heap, processor and moment,
 * so that a nanosecond more shows. COUNT slices of each.
 *
 * Prints "direct_ps N", the median time of a direct pair in picoseconds, and "hooked_ppm N", the
 * median over the slices of the hooked time to the direct one, in millionths.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    RING_BLOCKS = 256,
    BLOCK_BYTES = 64,
    SLICE_PAIRS = 200000,
    WARM_PAIRS = 10000,
    SLICES_MAX = 100000,
};

struct allocator {
    void *(*allocate)(size_t);
    void (*release)(void *);
};

static unsigned char *ring[RING_BLOCKS];

static unsigned long make_pairs(const volatile struct allocator *allocator, unsigned long count)
{
    unsigned long sum = 0;
    for (unsigned long i = 0; i < count; i++) {
        unsigned char **slot = &ring[i % RING_BLOCKS];
        unsigned char *block = allocator->allocate(BLOCK_BYTES);
        if (block == NULL) {
            abort();
        }
        block[0] = (unsigned char)i;
        if (*slot != NULL) {
            sum += (*slot)[0];
        }
        allocator->release(*slot);
        *slot = block;
    }
    return sum;
}

static double slice_ps(const struct allocator *allocator)
{
    static volatile struct allocator called; /* read anew for each call, like an entry of the PLT */
    static volatile unsigned long sum;
    struct timespec before;
    struct timespec after;
    called = *allocator;
    sum = make_pairs(&called, WARM_PAIRS);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    sum += make_pairs(&called, SLICE_PAIRS);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    return ((double)(after.tv_sec - before.tv_sec) * 1e12 +
            (double)(after.tv_nsec - before.tv_nsec) * 1e3) /
           SLICE_PAIRS;
}

static int compare(const void *one, const void *other)
{
    double first = *(const double *)one;
    double second = *(const double *)other;
    return (first > second) - (first < second);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

int main(int argc, char **argv)
{
    static double direct_ps[SLICES_MAX];
    static double ratios[SLICES_MAX];
    long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (count < 1 || count > SLICES_MAX) {
        fprintf(stderr, "usage: beside COUNT, up to %d slices\n", SLICES_MAX);
        return 2;
    }
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    struct allocator hooked = {malloc, free};
    struct allocator direct;
    *(void **)&direct.allocate = libc != NULL ? dlsym(libc, "malloc") : NULL;
    *(void **)&direct.release = libc != NULL ? dlsym(libc, "free") : NULL;
    if (direct.allocate == NULL || direct.release == NULL) {
        fprintf(stderr, "beside: no malloc in libc.so.6\n");
        return 1;
    }
    for (long i = 0; i < count; i++) {
        double hooked_ps = i % 2 == 0 ? slice_ps(&hooked) : 0;
        direct_ps[i] = slice_ps(&direct);
        hooked_ps = i % 2 == 0 ? hooked_ps : slice_ps(&hooked);
        ratios[i] = hooked_ps / direct_ps[i];
    }
    printf("direct_ps %.0f\nhooked_ppm %.0f\n", median(direct_ps, (size_t)count),
           median(ratios, (size_t)count) * 1e6);
    return 0;
}
