/*
 * peak.c - runs a command and writes the largest resident set of it and its children, as the kernel
 * keeps it (KiB), to a file.
 *
 *   peak RESULT COMMAND [ARG...]      exit status: the command's
 *
 * The kernel lets a program inherit the mark of the process that forked it, so whoever forks must
 * be small: this is why it is no part of the script that calls it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;
    if (argc < 3) {
        fputs("usage: peak RESULT COMMAND [ARG...]\n", stderr);
        return 2;
    }
    /* Not for us, but for the command. */
    const char *preload = getenv("PEAK_PRELOAD");
    pid_t pid = fork();
    if (pid == 0) {
        if (preload != NULL) {
            setenv("LD_PRELOAD", preload, 1);
            unsetenv("PEAK_PRELOAD");
        }
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
        perror("peak");
        return 126;
    }
    FILE *result = fopen(argv[1], "w");
    if (result == NULL || fprintf(result, "%ld\n", usage.ru_maxrss) < 0 || fclose(result) != 0) {
        perror(argv[1]);
        return 126;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
