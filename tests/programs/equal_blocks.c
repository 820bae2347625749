/*
 * equal_blocks.c - 100,000 blocks of 40 bytes, kept; then as many pairs of 96 bytes as the first
 * argument says (1,000,000), one at a time.
 */
#include <stdlib.h>

enum {
    KEPT = 100000,
};

static void *kept[KEPT];

static void make_kept(void)
{
    for (size_t i = 0; i < KEPT; i++) {
        kept[i] = malloc(40);
    }
}

static void make_short(long count)
{
    for (long i = 0; i < count; i++) {
        free(malloc(96));
    }
}

int main(int argc, char **argv)
{
    make_kept();
    make_short(argc > 1 ? strtol(argv[1], NULL, 10) : 1000000);
    for (size_t i = 0; i < KEPT; i++) {
        free(kept[i]);
    }
    return 0;
}
