/*
 * bare_child.c exit|exec - a child that shares the memory and has thread-local storage of zeros, as
 * Chromium's sandbox makes one: it may call nothing but the kernel, and ends by _exit() or
 * execve().
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STACK_BYTES = 65536,
    LOCALS_BYTES = 4096,
};

static char stack[STACK_BYTES] __attribute__((aligned(16)));
static char locals[LOCALS_BYTES] __attribute__((aligned(16)));

static int run(void *word)
{
    char *arguments[] = {"sh", "-c", "exit 7", NULL};
    if (chdir("/") == 0 && strcmp(word, "exec") == 0) {
        execve("/bin/sh", arguments, environ);
    }
    _exit(7);
}

int main(int count, char **words)
{
    if (count != 2) {
        return 2;
    }
    free(malloc(10));
    int flags = CLONE_VM | CLONE_FS | CLONE_VFORK | CLONE_SETTLS | SIGCHLD;
    int child =
        clone(run, stack + STACK_BYTES, flags, words[1], NULL, locals + LOCALS_BYTES / 2, NULL);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return 1;
    }
    printf("status %d, signal %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
           WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    free(malloc(11));
    return 0;
}
