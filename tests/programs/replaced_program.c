/*
 * Loses its own file while it runs, as when it is built anew, and goes on in a new thread.
 *
 * replaced_program [NEW]: when stdin ends, NEW takes the place of the file; without it, the file is
 * removed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *make_before(void)
{
    return malloc(111);
}

static void *make_after(void)
{
    return malloc(222);
}

static void *work(void *argument)
{
    (void)argument;
    free(make_before());
    free(make_after());
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    char byte;
    free(make_before());
    while (read(STDIN_FILENO, &byte, 1) == 1) {
    }
    int r = argc > 1 ? rename(argv[1], argv[0]) : unlink(argv[0]);
    if (r != 0 || pthread_create(&thread, NULL, work, NULL) != 0) {
        return 1;
    }
    pthread_join(thread, NULL);
    free(make_after());
    return 0;
}
