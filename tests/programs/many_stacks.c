/*
 * many_stacks.c - 100,000 distinct call stacks: the bits of i say left or right, 17 levels deep.
 */
#include <stdlib.h>

static void *volatile sink;

static void right(unsigned bits, int depth);

static void left(unsigned bits, int depth)
{
    if (depth == 0) {
        free(sink = malloc(46));
    } else if (bits & 1) {
        right(bits >> 1, depth - 1);
    } else {
        left(bits >> 1, depth - 1);
    }
}

static void right(unsigned bits, int depth)
{
    if (depth == 0) {
        free(sink = malloc(46));
    } else if (bits & 1) {
        right(bits >> 1, depth - 1);
    } else {
        left(bits >> 1, depth - 1);
    }
}

int main(void)
{
    for (unsigned i = 0; i < 100000; i++) {
        left(i, 17);
    }
    return 0;
}
