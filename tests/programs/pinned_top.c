/*
 * pinned_top.c - many small blocks that are worked on for a while, then one file opened and closed,
 * then all of them freed, and half a second with nothing to do. glibc keeps the file's block in a
 * thread's cache at the end of the heap, and all of the heap with it.
 *
 *   pinned_top [BLOCKS [PAUSE_MS]]        100,000 and 500 without; the work is the same for any
 * number
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BLOCKS_MAX = 100000,
    BLOCK_BYTES = 512,
    VISITS = 3 * BLOCKS_MAX,
};

/* So that there is more to the program than malloc. */
static unsigned sum_up(char *const *blocks, long count)
{
    unsigned sum = 0;
    for (long visit = 0; visit < VISITS; visit++) {
        for (int j = 0; j < BLOCK_BYTES; j++) {
            sum = sum * 31 + (unsigned char)blocks[visit % count][j];
        }
    }
    return sum;
}

int main(int argc, char **argv)
{
    static char *blocks[BLOCKS_MAX];
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : BLOCKS_MAX;
    long pause_ms = argc > 2 ? strtol(argv[2], NULL, 10) : 500;
    const struct timespec pause = {.tv_nsec = pause_ms * 1000000};
    for (long i = 0; i < count; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    FILE *file = fopen("/dev/null", "w");
    if (file != NULL) {
        fprintf(file, "%u\n", sum_up(blocks, count));
        fclose(file);
    }
    for (long i = 0; i < count; i++) {
        free(blocks[i]);
    }
    nanosleep(&pause, NULL);
    return 0;
}
