/*
 * cancel_threads.c - threads are cancelled while they allocate; their clean-up handlers free.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *work(void *unused)
{
    void *held = malloc(401);
    pthread_cleanup_push(free, held);
    for (;;) {
        free(malloc(402));
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return unused;
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, work, NULL);
        usleep(2000);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
    }
    return 0;
}
