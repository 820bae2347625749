/*
 * plugin_thread.c - its constructor waits for a thread that allocates, while the loader is locked.
 *
 * build: -shared -fPIC -pthread
 */
#include <pthread.h>
#include <stdlib.h>

int plugin_run(void);

static void *work(void *unused)
{
    for (int i = 0; i < 100; i++) {
        free(malloc(47));
    }
    return unused;
}

__attribute__((constructor)) static void construct(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) == 0) {
        pthread_join(thread, NULL);
    }
}

int plugin_run(void)
{
    return 0;
}
