/*
 * grown_buffers.c - COUNT buffers, one after the other, each of which grows by realloc from STEP
 * bytes to MOST bytes, STEP bytes at a time; WORK sums over a buffer once it is full.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned sum;

static void grow(size_t step_bytes, size_t most_bytes, long work)
{
    char *buffer = calloc(1, step_bytes);
    for (size_t size = 2 * step_bytes; buffer != NULL && size <= most_bytes; size += step_bytes) {
        char *larger = realloc(buffer, size);
        buffer = larger != NULL ? larger : buffer;
        memset(buffer + size - step_bytes, (int)size, step_bytes);
    }
    for (size_t i = 0; buffer != NULL && work > 0; work--, i = (i + 1) % most_bytes) {
        sum = sum * 31 + (unsigned char)buffer[i];
    }
    free(buffer);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        (void)fprintf(stderr, "usage: %s STEP MOST COUNT WORK\n", argv[0]);
        return 2;
    }
    for (long i = strtol(argv[3], NULL, 10); i > 0; i--) {
        grow(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), strtol(argv[4], NULL, 10));
    }
    (void)printf("%u\n", sum);
    return 0;
}
