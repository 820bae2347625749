#include "pairs.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "stopwatch.h"

enum {
    RING_BLOCKS = 256,
    SLICE_PAIRS = 10240,
    SLICES = 7,
};

/* Between two calls a program runs code of its own, which the compiler does not see through. */
#define BETWEEN_CALLS() __asm__ volatile("" : : : "memory")

struct free_link {
    struct free_link *next;
};

static struct free_link *list_head;
static void *ring[RING_BLOCKS];

static inline __attribute__((always_inline)) void *list_take(size_t size_bytes)
{
    struct free_link *link = list_head;
    if (__builtin_expect(link == NULL, 0)) {
        return malloc(size_bytes);
    }
    list_head = link->next;
    return link;
}

static inline __attribute__((always_inline)) void list_give(void *block)
{
    struct free_link *link = block;
    link->next = list_head;
    list_head = link;
}

/* A loop of its own for each, so that what is inline there is inline here. */
#define SLICE(name, take, give)                                                                    \
    static uint64_t slice_ns_##name(size_t size_bytes)                                             \
    {                                                                                              \
        uint64_t started_ns = stopwatch_ns(CLOCK_MONOTONIC);                                       \
        for (size_t i = 0; i < SLICE_PAIRS; i++) {                                                 \
            void **slot = &ring[i % RING_BLOCKS];                                                  \
            void *block = take(size_bytes);                                                        \
            if (__builtin_expect(block == NULL, 0)) {                                              \
                return 0;                                                                          \
            }                                                                                      \
            BETWEEN_CALLS();                                                                       \
            *(volatile char *)block = (char)i;                                                     \
            if (*slot != NULL) {                                                                   \
                give(*slot);                                                                       \
            }                                                                                      \
            BETWEEN_CALLS();                                                                       \
            *slot = block;                                                                         \
        }                                                                                          \
        return stopwatch_ns(CLOCK_MONOTONIC) - started_ns;                                         \
    }

SLICE(malloc, malloc, free)
SLICE(list, list_take, list_give)

static int compare_slices(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The next size begins with nothing left of this one. */
static void empty_ring(bool is_list)
{
    for (size_t i = 0; i < RING_BLOCKS; i++) {
        free(ring[i]);
        ring[i] = NULL;
    }
    while (is_list && list_head != NULL) {
        struct free_link *link = list_head;
        list_head = link->next;
        free(link);
    }
}

double pairs_measure_ps(size_t size_bytes, bool is_list)
{
    uint64_t slices[SLICES + 1];
    uint64_t (*slice_ns)(size_t) = is_list ? slice_ns_list : slice_ns_malloc;
    for (size_t i = 0; i <= SLICES; i++) { /* the first is to warm up */
        slices[i] = slice_ns(size_bytes);
    }
    empty_ring(is_list);
    qsort(slices + 1, SLICES, sizeof(*slices), compare_slices);
    uint64_t median_ns = slices[1 + SLICES / 2];
    return median_ns == 0 ? NAN : (double)median_ns * 1000 / SLICE_PAIRS;
}
