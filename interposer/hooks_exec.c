/*
 * hooks_exec.c - a program is about to be started. That is told where nothing can be preloaded into
 * it (exec_note.h); nothing is changed.
 *
 * The C library's own functions call one another past us, so each is taken over for itself. Those
 * that get the arguments in a row hand them on to those that get an array, as in the C library.
 */
#include <alloca.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "exec_note.h"
#include "hooks.h"
#include "real.h"
#include "sys.h"

/* ---- exec: comes back only if it has failed ----------------------------------------------------
 */

static SLOW _Atomic uint32_t *note_path(const char *path, char *const envp[])
{
    struct exec_look look;
    real_be_ready();
    exec_look_at(&look, AT_FDCWD, path, envp);
    return exec_note(&look, sys_pid());
}

static SLOW _Atomic uint32_t *note_name(const char *name, char *const envp[])
{
    struct exec_look look;
    real_be_ready();
    exec_look_for(&look, name, envp);
    return exec_note(&look, sys_pid());
}

static int undo(_Atomic uint32_t *count, int result)
{
    exec_note_undo(count);
    return result;
}

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
    _Atomic uint32_t *count = note_path(path, envp);
    return undo(count, real.execve(path, argv, envp));
}

HOOK int execv(const char *path, char *const argv[])
{
    _Atomic uint32_t *count = note_path(path, environ);
    return undo(count, real.execv(path, argv));
}

HOOK int execvpe(const char *name, char *const argv[], char *const envp[])
{
    _Atomic uint32_t *count = note_name(name, envp);
    return undo(count, real.execvpe(name, argv, envp));
}

HOOK int execvp(const char *name, char *const argv[])
{
    _Atomic uint32_t *count = note_name(name, environ);
    return undo(count, real.execvp(name, argv));
}

HOOK int execveat(int folder, const char *path, char *const argv[], char *const envp[], int flags)
{
    struct exec_look look;
    real_be_ready();
    exec_look_at(&look, folder, path, envp);
    _Atomic uint32_t *count = exec_note(&look, sys_pid());
    return undo(count, real.execveat(folder, path, argv, envp, flags));
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
    struct exec_look look;
    real_be_ready();
    exec_look_at(&look, fd, "", envp);
    _Atomic uint32_t *count = exec_note(&look, sys_pid());
    return undo(count, real.fexecve(fd, argv, envp));
}

/* ---- arguments in a row ------------------------------------------------------------------------
 */

/* How many stand before the NULL. */
static size_t count_arguments(const char *first, va_list list)
{
    size_t count = 0;
    for (const char *word = first; word != NULL; word = va_arg(list, const char *)) {
        count++;
    }
    return count;
}

/* All of them, and the NULL. */
static void take_arguments(char **arguments, size_t count, const char *first, va_list list)
{
    arguments[0] = (char *)first;
    for (size_t i = 1; i <= count; i++) {
        arguments[i] = va_arg(list, char *);
    }
}

/* Makes `arguments` on the stack, of the function in which it stands. */
#define TAKE_ARGUMENTS(arguments, list, first)                                                     \
    va_start(list, first);                                                                         \
    size_t count = count_arguments(first, list);                                                   \
    va_end(list);                                                                                  \
    char **arguments = alloca((count + 1) * sizeof(*arguments));                                   \
    va_start(list, first);                                                                         \
    take_arguments(arguments, count, first, list)

HOOK int execl(const char *path, const char *first, ...)
{
    va_list list;
    TAKE_ARGUMENTS(arguments, list, first);
    va_end(list);
    return execv(path, arguments);
}

HOOK int execlp(const char *name, const char *first, ...)
{
    va_list list;
    TAKE_ARGUMENTS(arguments, list, first);
    va_end(list);
    return execvp(name, arguments);
}

/* The environment stands behind the NULL. */
HOOK int execle(const char *path, const char *first, ...)
{
    va_list list;
    TAKE_ARGUMENTS(arguments, list, first);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(path, arguments, environment);
}

/* ---- a new process -----------------------------------------------------------------------------
 */

static int note_spawned(const struct exec_look *look, pid_t pid, pid_t *out_pid, int result)
{
    if (result == 0) {
        exec_note(look, (uint32_t)pid);
        if (out_pid != NULL) {
            *out_pid = pid;
        }
    }
    return result;
}

HOOK int posix_spawn(pid_t *out_pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    struct exec_look look;
    pid_t pid = 0;
    real_be_ready();
    exec_look_at(&look, AT_FDCWD, path, envp);
    int result = real.posix_spawn(&pid, path, actions, attributes, argv, envp);
    return note_spawned(&look, pid, out_pid, result);
}

HOOK int posix_spawnp(pid_t *out_pid, const char *name, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    struct exec_look look;
    pid_t pid = 0;
    real_be_ready();
    exec_look_for(&look, name, envp);
    int result = real.posix_spawnp(&pid, name, actions, attributes, argv, envp);
    return note_spawned(&look, pid, out_pid, result);
}

/* The shell that they start, whose process id is not told. They end in a plain jump: what they
 * allocate has the program as its caller. */
static SLOW void note_shell(void)
{
    struct exec_look look;
    real_be_ready();
    exec_look_at(&look, AT_FDCWD, "/bin/sh", environ);
    exec_note(&look, 0);
}

HOOK int system(const char *command)
{
    if (command != NULL) {
        note_shell();
    } else {
        real_be_ready();
    }
    return real.system(command);
}

void *popen(const char *command, const char *mode); /* stdio.h is for nobody here */

HOOK void *popen(const char *command, const char *mode)
{
    note_shell();
    return real.popen(command, mode);
}

HOOKS_EXEC(HOOK_ALIAS)
