/*
 * pinned_top.c - many small blocks that are worked on for a while, then one file opened and closed,
 * then all of them freed, and half a second with nothing to do. glibc keeps the file's block in a
 * thread's cache at the end of the heap, and all of the heap with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BLOCKS = 100000,
    BLOCK_BYTES = 512,
    PASSES = 3,
};

/* So that there is more to the program than malloc. */
static unsigned sum_up(char *const *blocks)
{
    unsigned sum = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        for (int i = 0; i < BLOCKS; i++) {
            for (int j = 0; j < BLOCK_BYTES; j++) {
                sum = sum * 31 + (unsigned char)blocks[i][j];
            }
        }
    }
    return sum;
}

int main(void)
{
    static char *blocks[BLOCKS];
    const struct timespec pause = {.tv_nsec = 500000000};
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
    FILE *file = fopen("/dev/null", "w");
    if (file != NULL) {
        fprintf(file, "%u\n", sum_up(blocks));
        fclose(file);
    }
    for (int i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    nanosleep(&pause, NULL);
    return 0;
}
