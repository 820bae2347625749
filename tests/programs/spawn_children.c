/*
 * spawn_children.c - starts another program by vfork, posix_spawn and system, given as argv[1].
 */
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int status = 0;
    int sum = 0;
    if (argc < 2) {
        return 2;
    }
    pid_t child = vfork();
    if (child == 0) {
        execl(argv[1], argv[1], (char *)NULL);
        _exit(127);
    }
    waitpid(child, &status, 0);
    sum += WEXITSTATUS(status);
    char *const arguments[] = {argv[1], NULL};
    if (posix_spawn(&child, argv[1], NULL, NULL, arguments, environ) != 0) {
        return 3;
    }
    waitpid(child, &status, 0);
    sum += WEXITSTATUS(status);
    sum += WEXITSTATUS(system(argv[1]));
    void *leaked = malloc(123);
    return leaked == NULL ? 9 : sum;
}
