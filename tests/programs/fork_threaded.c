/*
 * fork_threaded.c - forks again and again while four threads allocate; children allocate at once.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILDREN = 40
};
static atomic_int is_done;

static void *churn(void *unused)
{
    while (!atomic_load(&is_done)) {
        free(malloc(60));
    }
    return unused;
}

static void child_main(void)
{
    free(malloc(61));
    free(malloc(61));
    _exit(malloc(62) == NULL);
}

int main(void)
{
    pthread_t threads[4];
    int failures = 0;
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, churn, NULL);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 1;
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
