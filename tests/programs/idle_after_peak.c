/*
 * idle_after_peak.c - makes 40 MB of blocks, frees them, and then does little for half a second, as
 * a server does: an allocator that purges by the clock gives the memory back meanwhile. What it
 * does is more than a thread's cache holds, so that the allocator gets to look at the clock.
 */
#include <stdlib.h>
#include <time.h>

enum {
    BLOCKS = 10000,
    BLOCK_BYTES = 4000,
    PAUSES = 50,
    CALLS = 2000,
};

int main(void)
{
    static void *blocks[BLOCKS];
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
    }
    for (int i = 0; i < BLOCKS; i++) {
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
