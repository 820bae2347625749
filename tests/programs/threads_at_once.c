/*
 * threads_at_once.c - 200 threads that all live at once; each makes and frees 100 blocks, keeps 1.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>

enum {
    THREADS = 200
};
static pthread_barrier_t barrier;
static void *kept[THREADS];

static void *work(void *slot)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 100; i++) {
        free(malloc((size_t)(16 + i)));
    }
    *(void **)slot = malloc(500);
    pthread_barrier_wait(&barrier);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, &kept[i]) != 0) {
            return 3;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
