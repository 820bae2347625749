/*
 * one_block.c - makes a block of 40 bytes and frees it: that is all.
 */
#include <stdlib.h>

static void *volatile sink;

int main(void)
{
    sink = malloc(40);
    free(sink);
    return 0;
}
