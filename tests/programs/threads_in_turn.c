/*
 * threads_in_turn.c - N threads, one after the other; each makes 3 blocks and frees 2. [N=1000]
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>

static void *work(void *leaked)
{
    void *first = malloc(31);
    void *second = malloc(32);
    *(void **)leaked = malloc(33);
    free(first);
    free(second);
    return NULL;
}

int main(int argc, char **argv)
{
    static void *leaked[100000];
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, &leaked[i]) != 0) {
            return 3;
        }
        pthread_join(thread, NULL);
    }
    return 0;
}
