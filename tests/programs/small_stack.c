/*
 * small_stack.c - threads with the smallest stack that the system allows must still start and work.
 *
 * build: -pthread
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

static void *work(void *unused)
{
    for (int i = 0; i < 10; i++) {
        free(malloc(45));
    }
    return unused;
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, work, NULL) != 0) {
            return 3;
        }
        pthread_join(thread, NULL);
    }
    return 0;
}
