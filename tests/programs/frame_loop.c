/*
 * A loop of frames, each of which frees all that it allocates; with LEAK, all but one block.
 *
 *   frame_loop FRAMES LEAK
 */
#include <stdlib.h>
#include <string.h>

#include "../../interposer/allocaudit.h"

enum {
    BLOCKS = 200,
};

static void *kept[100000];

int main(int argc, char **argv)
{
    long frames = argc > 1 ? strtol(argv[1], NULL, 10) : 100;
    int leaks = argc > 2 && strtol(argv[2], NULL, 10) != 0;
    for (long frame = 0; frame < frames; frame++) {
        char *blocks[BLOCKS];
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc(16 + (size_t)i);
            memset(blocks[i], i, 16 + (size_t)i);
        }
        for (int i = leaks; i < BLOCKS; i++) {
            free(blocks[i]);
        }
        kept[frame] = leaks ? blocks[0] : NULL;
        allocaudit_frame();
    }
    for (long frame = 0; leaks && frame < frames; frame++) {
        free(kept[frame]);
    }
    return 0;
}
