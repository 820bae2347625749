/*
 * fork_child.c - a child frees inherited blocks and makes its own; the parent frees all of its.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *inherited[10];

static void child_main(void)
{
    void *own[5];
    for (int i = 0; i < 6; i++) {
        free(inherited[i]);
    }
    for (int i = 0; i < 5; i++) {
        own[i] = malloc(81);
    }
    free(own[0]);
    free(own[1]);
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        inherited[i] = malloc(80);
    }
    pid_t child = fork();
    if (child == 0) {
        child_main();
        exit(4);
    }
    int status = 0;
    waitpid(child, &status, 0);
    for (int i = 0; i < 10; i++) {
        free(inherited[i]);
    }
    return WEXITSTATUS(status);
}
