/*
 * Frames that build up a list of blocks of many sizes and free them at their end. With KEEP each
 * block lives KEEP frames longer. Beside them lies a level of 2 MiB, all of it used.
 *
 *   frame_scratch FRAMES KEEP
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../interposer/allocaudit.h"

enum {
    BLOCKS = 20,
    KEEP_MAX = 63,
    LEVEL_BYTES = 2 << 20,
};

static char *lists[KEEP_MAX + 1][BLOCKS];
static char level[LEVEL_BYTES];

static char *scratch_take(uint32_t random)
{
    char *block = malloc(1100 + random % 6000);
    block[0] = (char)random;
    return block;
}

static void list_free(char **list)
{
    for (int i = 0; i < BLOCKS; i++) {
        free(list[i]);
        list[i] = NULL;
    }
}

int main(int argc, char **argv)
{
    long frames = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
    long keep = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    uint32_t random = 1;
    memset(level, 1, sizeof(level));
    for (long frame = 0; frame < frames; frame++) {
        for (int i = 0; i < BLOCKS; i++) {
            random = random * 1664525u + 1013904223u;
            lists[frame % (keep + 1)][i] = scratch_take(random >> 8);
        }
        list_free(lists[(frame + 1) % (keep + 1)]);
        allocaudit_frame();
    }
    for (long i = 0; i <= keep; i++) {
        list_free(lists[i]);
    }
    return 0;
}
