/*
 * end_by.c - makes 1000 blocks of 10 bytes, frees 100 of them, and ends in the way argv[1] says.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *way;

static void end(void)
{
    if (strcmp(way, "exit") == 0) {
        exit(6);
    } else if (strcmp(way, "_exit") == 0) {
        _exit(7);
    } else if (strcmp(way, "quick_exit") == 0) {
        quick_exit(8);
    } else if (strcmp(way, "abort") == 0) {
        abort();
    } else if (strcmp(way, "segv") == 0) {
        *(volatile int *)(size_t)8 = 1;
    } else if (strcmp(way, "kill") == 0) {
        kill(getpid(), SIGKILL);
    } else if (strcmp(way, "pthread_exit") == 0) {
        pthread_exit(NULL);
    } else if (strcmp(way, "trap") == 0) {
        raise(SIGTRAP);
    }
}

static void *end_in_thread(void *unused)
{
    way += strlen("thread:");
    end();
    return unused;
}

static void allocate(void)
{
    static void *blocks[1000];
    for (int i = 0; i < 1000; i++) {
        blocks[i] = malloc(10);
    }
    for (int i = 0; i < 100; i++) {
        free(blocks[i]);
    }
}

int main(int argc, char **argv)
{
    way = argc > 1 ? argv[1] : "return";
    allocate();
    if (strncmp(way, "thread:", strlen("thread:")) == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, end_in_thread, NULL);
        pthread_join(thread, NULL);
    }
    end();
    return 5;
}
