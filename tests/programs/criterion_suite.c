/*
 * criterion_suite.c - tests that know nothing of us: one makes three blocks, one none, one forgets
 * a block.
 * build: -lcriterion
 */
#include <stdlib.h>

#include <criterion/criterion.h>

static void *volatile sink;

Test(blocks, three)
{
    for (int i = 0; i < 3; i++) {
        sink = malloc(10);
        free(sink);
    }
}

Test(blocks, none)
{
}

Test(leaks, forgets)
{
    sink = malloc(7);
}
