/*
 * realloc_chain.c - a buffer doubled from 16 bytes to 1 MiB, and large blocks that die at once.
 */
#include <stdlib.h>
#include <string.h>

static void *volatile sink;

static void grow(void)
{
    char *buffer = malloc(16);
    for (size_t size = 32; size <= 1 << 20; size *= 2) {
        buffer = realloc(buffer, size);
    }
    free(buffer);
}

static void large_and_short(void)
{
    for (int i = 0; i < 20; i++) {
        sink = malloc(200000);
        memset(sink, i, 100);
        free(sink);
    }
}

int main(void)
{
    grow();
    large_and_short();
    return 0;
}
