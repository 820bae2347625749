/*
 * plain_pairs.c - pairs of malloc and free, 20,000 or as many as the first argument says.
 */
#include <stdlib.h>

static void make_pair(void)
{
    free(malloc(64));
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 20000;
    for (long i = 0; i < count; i++) {
        make_pair();
    }
    return 0;
}
