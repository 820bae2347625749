/*
 * thread_scratch.c - two threads that build up a list of blocks of many sizes and free it, 10,000
 * times each.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS = 2,
    ROUNDS = 12000,
    BLOCKS = 20,
    REST_BYTES = 32 << 20,
};

static char rest[REST_BYTES];

static void *scratch_main(void *argument)
{
    char *list[BLOCKS];
    uint32_t random = *(const uint32_t *)argument;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            random = random * 1664525u + 1013904223u;
            list[i] = malloc(1100 + (random >> 8) % 6000);
            list[i][0] = (char)random;
        }
        for (int i = 0; i < BLOCKS; i++) {
            free(list[i]);
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    uint32_t seeds[THREADS] = {1, 2};
    memset(rest, 1, sizeof(rest));
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, scratch_main, &seeds[i]) != 0) {
            return 1;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return 0;
}
