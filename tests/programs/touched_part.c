/*
 * touched_part.c - writes to the first PERCENT of each of its blocks, which come and go for a good
 * second; beside them it keeps BESIDE_MIB of its own mapping in use.
 *
 *   touched_part PERCENT BESIDE_MIB
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    BLOCKS = 200,
    ROUNDS = 2,
    BLOCK_BYTES = 96 * 1024, /* in a heap of glibc's, not mapped one by one */
};

static void pause_for_a_sample(void)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    (void)nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    static char *blocks[BLOCKS];
    size_t percent = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    size_t beside_bytes = (argc > 2 ? strtoul(argv[2], NULL, 10) : 0) << 20;
    if (beside_bytes > 0) {
        void *beside =
            mmap(NULL, beside_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (beside == MAP_FAILED) {
            return 1;
        }
        memset(beside, 1, beside_bytes);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            size_t size_bytes = (size_t)BLOCK_BYTES + (size_t)(i % 7) * 4096;
            blocks[i] = malloc(size_bytes);
            if (blocks[i] == NULL) {
                return 1;
            }
            memset(blocks[i], 1, size_bytes * percent / 100);
            pause_for_a_sample();
        }
        for (int i = 0; i < BLOCKS; i++) {
            free(blocks[i]);
            pause_for_a_sample();
        }
    }
    return 0;
}
