/*
 * no_descriptors.c - may open no more files, and only then starts threads that allocate.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

static void *work(void *unused)
{
    for (int i = 0; i < 20; i++) {
        free(malloc(61));
    }
    return unused;
}

int main(void)
{
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, NULL) != 0) {
            return 3;
        }
        pthread_join(thread, NULL);
    }
    return 0;
}
