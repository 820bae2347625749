/*
 * threads_at_once.c - N threads that all live at once; each makes and frees 100 blocks, keeps 1.
 * [N=200]
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>

enum {
    THREADS_MAX = 1000
};
static pthread_barrier_t barrier;
static void *kept[THREADS_MAX];

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

int main(int argc, char **argv)
{
    static pthread_t threads[THREADS_MAX];
    int count = argc > 1 ? atoi(argv[1]) : 200;
    pthread_barrier_init(&barrier, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, work, &kept[i]) != 0) {
            return 3;
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
