/*
 * mapping_waves.c - memory that it maps itself comes and goes, beside a few small blocks.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    WAVES = 8,
    WAVE_BYTES = 32 << 20,
};

int main(void)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    for (int i = 0; i < WAVES; i++) {
        free(malloc(100));
        void *mapping =
            mmap(NULL, WAVE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapping == MAP_FAILED) {
            return 1;
        }
        memset(mapping, 1, WAVE_BYTES);
        (void)nanosleep(&pause, NULL);
        (void)munmap(mapping, WAVE_BYTES);
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}
