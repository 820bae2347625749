/*
 * start_unseen.c - starts programs that nothing can be preloaded into, in every way there is, and
 * some that do not start.
 *
 *   start_unseen STATIC SCRIPT UNUSABLE  (absolute paths: a static program; a script that it
 *                                         interprets; a copy of it that nobody may execute)
 *   start_unseen raw STATIC              by the bare system call: nobody hears of it
 *   start_unseen itself                  becomes itself once: recorded as ever
 *   start_unseen bare                    a child without an environment
 *   start_unseen shell                   system() and popen() after LD_PRELOAD was taken away
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum way {
    BY_EXECVE,
    BY_EXECV,
    BY_EXECVP,
    BY_EXECVPE,
    BY_EXECL,
    BY_EXECLP,
    BY_EXECLE,
    BY_FEXECVE,
    BY_EXECVEAT,
    WAY_COUNT,
};

static void become(enum way way, char *path)
{
    char *arguments[] = {path, NULL};
    char *name = strrchr(path, '/') + 1;
    switch (way) {
    case BY_EXECVE:
        execve(path, arguments, environ);
        break;
    case BY_EXECV:
        execv(path, arguments);
        break;
    case BY_EXECVP:
        execvp(name, arguments);
        break;
    case BY_EXECVPE:
        execvpe(name, arguments, environ);
        break;
    case BY_EXECL:
        execl(path, path, "one", "two", (char *)NULL);
        break;
    case BY_EXECLP:
        execlp(name, path, (char *)NULL);
        break;
    case BY_EXECLE:
        execle(path, path, "one", (char *)NULL, environ);
        break;
    case BY_FEXECVE:
        fexecve(open(path, O_RDONLY), arguments, environ);
        break;
    default:
        execveat(open("/", O_RDONLY | O_DIRECTORY), path + 1, arguments, environ, 0);
        break;
    }
}

/* Its exit status, or 127 if it did not start. */
static int end_of(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int run(enum way way, char *path)
{
    pid_t child = fork();
    if (child == 0) {
        become(way, path);
        _exit(127);
    }
    return end_of(child);
}

static int run_in_shared_memory(char *path)
{
    char *arguments[] = {path, NULL};
    pid_t child = vfork();
    if (child == 0) {
        execve(path, arguments, environ);
        _exit(127);
    }
    return end_of(child);
}

static int spawn(char *path)
{
    char *arguments[] = {path, NULL};
    pid_t child;
    return posix_spawn(&child, path, NULL, NULL, arguments, environ) == 0 ? end_of(child) : 127;
}

static int spawn_found(char *path)
{
    char *arguments[] = {path, NULL};
    pid_t child;
    return posix_spawnp(&child, strrchr(path, '/') + 1, NULL, NULL, arguments, environ) == 0
               ? end_of(child)
               : 127;
}

static void run_all(char *path)
{
    char *folder = strdup(path);
    setenv("PATH", dirname(folder), 1);
    for (int way = 0; way < WAY_COUNT; way++) {
        printf("%d ", run(way, path));
    }
    printf("%d %d %d\n", run_in_shared_memory(path), spawn(path), spawn_found(path));
    free(folder);
}

static void run_bare(void)
{
    char *arguments[] = {"/bin/true", NULL};
    char *nothing[] = {NULL};
    pid_t child;
    if (posix_spawn(&child, arguments[0], NULL, NULL, arguments, nothing) == 0) {
        printf("%d\n", end_of(child));
    }
}

static void run_shells(void)
{
    unsetenv("LD_PRELOAD");
    printf("%d ", WEXITSTATUS(system("exit 3")));
    FILE *output = popen("exit 4", "r");
    printf("%d\n", WEXITSTATUS(pclose(output)));
}

int main(int argc, char **argv)
{
    free(malloc(58));
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc == 4) {
        run_all(argv[1]);
        printf("%d\n", run(BY_EXECV, argv[2]));
        run_all(argv[3]);
        run_all("/nowhere/at_all");
    } else if (argc == 3) {
        char *arguments[] = {argv[2], NULL};
        syscall(SYS_execve, argv[2], arguments, environ);
    } else if (strcmp(argv[1], "bare") == 0) {
        run_bare();
    } else if (strcmp(argv[1], "shell") == 0) {
        run_shells();
    } else {
        execl(argv[0], argv[0], "bare", (char *)NULL);
    }
    return 0;
}
