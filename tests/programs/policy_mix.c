/*
 * Allocations of many sizes and kinds, the same in every run: for comparing a policy in the program
 * with its simulation.
 *
 *   policy_mix STEPS
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLACES = 3000,
};

static unsigned char *blocks[PLACES];
static size_t sizes[PLACES];

static uint32_t next_random(void)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

static size_t next_size(void)
{
    return next_random() % (4u << next_random() % 14);
}

static void *make(size_t size_bytes)
{
    switch (next_random() % 6) {
    case 0:
        return calloc(1, size_bytes);
    case 1:
        return memalign((size_t)16 << next_random() % 6, size_bytes);
    case 2:
        return realloc(NULL, size_bytes);
    default:
        return malloc(size_bytes);
    }
}

static void check(size_t place)
{
    for (size_t i = 0; i < sizes[place]; i++) {
        if (blocks[place][i] != (unsigned char)place) {
            abort();
        }
    }
}

static void grow(size_t place)
{
    size_t size_bytes = next_size() + 1;
    size_t kept_bytes = size_bytes < sizes[place] ? size_bytes : sizes[place];
    blocks[place] = realloc(blocks[place], size_bytes);
    sizes[place] = kept_bytes;
    check(place);
    sizes[place] = size_bytes;
    memset(blocks[place], (int)place, size_bytes);
}

int main(int argc, char **argv)
{
    long steps = argc > 1 ? strtol(argv[1], NULL, 10) : 10000;
    for (long step = 0; step < steps; step++) {
        size_t place = next_random() % (step / 5000 % 2 == 0 ? PLACES : 100);
        if (blocks[place] == NULL) {
            sizes[place] = next_size();
            blocks[place] = make(sizes[place]);
            memset(blocks[place], (int)place, sizes[place]);
        } else if (next_random() % 4 == 0) {
            grow(place);
        } else {
            check(place);
            free(blocks[place]);
            blocks[place] = NULL;
        }
    }
    return 0;
}
