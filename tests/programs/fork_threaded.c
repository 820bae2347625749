/*
 * fork_threaded.c - forks again and again while four threads allocate; children allocate at once.
 *
 * fork_threaded [PAIRS]: from one fork to the next a thread makes no more blocks than that, so that
 * a slow machine records no more than a fast one. Without: as many as it can.
 *
 * build: -pthread
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILDREN = 40
};
static atomic_int is_done;
static atomic_long allowed_count;

static void *churn(void *unused)
{
    long count = 0;
    while (!atomic_load(&is_done)) {
        if (count < atomic_load(&allowed_count)) {
            free(malloc(60));
            count++;
        }
    }
    return unused;
}

static void child_main(void)
{
    free(malloc(61));
    free(malloc(61));
    _exit(malloc(62) == NULL);
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    int failures = 0;
    long pairs = argc > 1 ? atol(argv[1]) : LONG_MAX / CHILDREN;
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, churn, NULL);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 1;
        atomic_fetch_add(&allowed_count, pairs);
        pid_t child = fork();
        if (child == 0) {
            child_main();
        }
        waitpid(child, &status, 0);
        failures += status != 0;
    }
    atomic_store(&is_done, 1);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    return failures;
}
