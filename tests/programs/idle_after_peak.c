/*
 * idle_after_peak.c - makes 40 MB of blocks, frees them, and then does little for half a second, as
 * a server does: an allocator that purges by the clock gives the memory back meanwhile. What it
 * does is more than a thread's cache holds, so that the allocator gets to look at the clock.
 *
 *   idle_after_peak [BLOCKS]        10,000 of 4,000 bytes without it
 */
#include <stdlib.h>
#include <time.h>

enum {
    BLOCKS_MAX = 10000,
    BLOCK_BYTES = 4000,
    PAUSES = 50,
    CALLS = 2000,
};

int main(int argc, char **argv)
{
    static void *blocks[BLOCKS_MAX];
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : BLOCKS_MAX;
    const struct timespec pause = {.tv_nsec = 10000000};
    for (long i = 0; i < count; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
    }
    for (long i = 0; i < count; i++) {
        free(blocks[i]);
    }
    for (int i = 0; i < PAUSES; i++) {
        nanosleep(&pause, NULL);
        for (int j = 0; j < CALLS; j++) {
            blocks[j] = malloc(100 + j % 1000);
        }
        for (int j = 0; j < CALLS; j++) {
            free(blocks[j]);
        }
    }
    return 0;
}
