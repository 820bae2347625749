/*
 * sanitizer_plain.c - allocates in two threads, keeps one block and loses another; with an argument
 * it first does what UndefinedBehaviorSanitizer ("shift") or ThreadSanitizer ("race") has a word
 * for.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCKS = 100,
};

static void *volatile held;
static int shared;

static void *work(void *unused)
{
    for (int i = 0; i < BLOCKS; i++) {
        free(malloc(48));
    }
    return unused;
}

static void *count(void *unused)
{
    shared++;
    return unused;
}

static void in_two_threads(void *(*function)(void *))
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, function, NULL);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(int argc, char **argv)
{
    volatile int by = 31 + argc;
    held = malloc(177);
    held = malloc(188); /* and the one before is lost */
    in_two_threads(work);
    if (argc > 1 && strcmp(argv[1], "shift") == 0) {
        return (1 << by) == 0 ? 3 : 4;
    }
    if (argc > 1) {
        in_two_threads(count);
    }
    return 3;
}
