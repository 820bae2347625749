/*
 * temporaries.c - what is a temporary block, and what only looks like one.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <stdlib.h>

static void *handed_over;

static void truly_temporary(void)
{
    for (int i = 0; i < 1000; i++) {
        free(malloc(64));
    }
}

static void kept_for_three(void)
{
    void *blocks[4] = {NULL};
    for (int i = 0; i < 1000; i++) {
        free(blocks[i % 4]);
        blocks[i % 4] = malloc(65);
    }
    for (int i = 0; i < 4; i++) {
        free(blocks[i]);
    }
}

static void *free_other(void *unused)
{
    free(handed_over);
    return unused;
}

/* Freed before its thread's next allocation, but by another thread. */
static void freed_elsewhere(void)
{
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        handed_over = malloc(66);
        pthread_create(&thread, NULL, free_other, NULL);
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    truly_temporary();
    kept_for_three();
    freed_elsewhere();
    return 0;
}
