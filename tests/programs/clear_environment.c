/*
 * clear_environment.c - clears its environment, allocates, and starts a child without any.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    clearenv();
    for (int i = 0; i < 10; i++) {
        free(malloc(58));
    }
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        char *const arguments[] = {(char *)(size_t) "true", NULL};
        char *const nothing[] = {NULL};
        execve("/bin/true", arguments, nothing);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}
