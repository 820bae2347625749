/*
 * key_destructors.c - thread-specific data that its destructor frees, the second time round only.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>

static pthread_key_t key;

static void destroy(void *block)
{
    if (*(char *)block == 1) {
        *(char *)block = 2;
        pthread_setspecific(key, block); /* again, please */
        return;
    }
    free(block);
    free(malloc(51));
}

static void *work(void *unused)
{
    char *block = malloc(50);
    *block = 1;
    pthread_setspecific(key, block);
    return unused;
}

int main(void)
{
    pthread_t threads[8];
    pthread_key_create(&key, destroy);
    for (int i = 0; i < 8; i++) {
        pthread_create(&threads[i], NULL, work, NULL);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
