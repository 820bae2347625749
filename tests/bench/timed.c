/*
 * timed.c - runs a command and says how long it took, seen from within a recording.
 *
 *   timed COMMAND [ARG...]
 *
 * What a recorder does before the program starts and after it has ended does not count. Prints
 * "inner_ns N" on standard error, and ends as the command did.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: timed COMMAND [ARG...]\n");
        return 2;
    }
    int status;
    int64_t started_ns = now_ns();
    pid_t pid = vfork();
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("timed");
        return 1;
    }
    fprintf(stderr, "\ninner_ns %lld\n", (long long)(now_ns() - started_ns));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
