#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../schema/ring.h"
#include "../../base/str.h"
#include "../recording/clock.h"

static const int launch_signals[] = {SIGCHLD, SIGINT,  SIGQUIT, SIGTERM,
                                     SIGHUP,  SIGUSR1, SIGUSR2, SIGTSTP};

static const int launch_shielded[] = {SIGXFSZ, SIGPIPE};
static struct sigaction launch_old_actions[sizeof(launch_shielded) / sizeof(launch_shielded[0])];
static bool launch_is_shielded;

void launch_shield(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0;
         !launch_is_shielded && i < sizeof(launch_shielded) / sizeof(launch_shielded[0]); i++) {
        sigaction(launch_shielded[i], &ignore, &launch_old_actions[i]);
    }
    launch_is_shielded = true;
}

static void launch_unshield(void)
{
    for (size_t i = 0;
         launch_is_shielded && i < sizeof(launch_shielded) / sizeof(launch_shielded[0]); i++) {
        sigaction(launch_shielded[i], &launch_old_actions[i], NULL);
    }
}

static void launch_signal_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof(launch_signals) / sizeof(launch_signals[0]); i++) {
        sigaddset(set, launch_signals[i]);
    }
}

static int launch_set_environment(const struct launch_settings *settings)
{
    const char *behind[] = {settings->allocator, getenv("LD_PRELOAD")};
    struct str list = {0};
    const char *before[] = {settings->sanitizer, settings->frame_object};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(before) / sizeof(before[0]); i++) {
        if (before[i] != NULL && before[i][0] != '\0') {
            r = str_printf(&list, "%s:", before[i]);
        }
    }
    r = r == 0 ? str_append(&list, settings->library) : r;
    for (size_t i = 0; r == 0 && i < sizeof(behind) / sizeof(behind[0]); i++) {
        if (behind[i] != NULL && behind[i][0] != '\0') {
            r = str_printf(&list, ":%s", behind[i]);
        }
    }
    if (r == 0 && (setenv("LD_PRELOAD", str_text(&list), 1) != 0 ||
                   setenv(RING_ENV, settings->ring_path, 1) != 0)) {
        r = -errno;
    }
    if (r == 0 && settings->go_debug != NULL && settings->go_debug[0] != '\0' &&
        setenv("GODEBUG", settings->go_debug, 1) != 0) {
        r = -errno;
    }
    str_fini(&list);
    return r;
}

/* In the child: becomes the command, or tells the parent why not. */
static void launch_become(const struct launch *launch, const struct launch_settings *settings,
                          int report)
{
    int code = -launch_set_environment(settings);
    if (code == 0) {
        launch_unshield();
        sigprocmask(SIG_SETMASK, &launch->old_mask, NULL);
        if (settings->stderr_fd >= 0) {
            dup2(settings->stderr_fd, STDERR_FILENO);
        }
        if (settings->is_traced) {
            ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        }
        execvp(settings->command[0], settings->command);
        code = errno;
    }
    ssize_t written = write(report, &code, sizeof(code));
    _exit(written == sizeof(code) ? 127 : 126);
}

int launch_start(struct launch *launch, const struct launch_settings *settings, struct err *err)
{
    int report[2];
    sigset_t set;
    *launch = (struct launch){.exit_status = -1};
    launch_signal_set(&set);
    sigprocmask(SIG_BLOCK, &set, &launch->old_mask);
    if (pipe2(report, O_CLOEXEC) != 0) {
        return err_set_errno(err, errno, "cannot start '%s'", settings->command[0]);
    }
    launch->pid = fork();
    if (launch->pid == 0) {
        launch_become(launch, settings, report[1]);
    }
    int code = launch->pid < 0 ? errno : 0;
    close(report[1]);
    if (launch->pid > 0 && read(report[0], &code, sizeof(code)) == (ssize_t)sizeof(code)) {
        waitpid(launch->pid, NULL, 0);
        launch->is_reaped = true;
    } else if (launch->pid > 0) {
        code = 0;
    }
    close(report[0]);
    return code == 0 ? 0 : err_set_errno(err, code, "cannot run '%s'", settings->command[0]);
}

/* The shell's job control has stopped the command: we are part of the job and stop with it. */
static void launch_stop_along(const struct launch *launch)
{
    raise(SIGSTOP);
    kill(launch->pid, SIGCONT);
}

/* What has become of the command, left for a waiter; false: nothing new. */
static bool launch_look(const struct launch *launch, siginfo_t *out_info)
{
    *out_info = (siginfo_t){0};
    return waitid(P_PID, (id_t)launch->pid, out_info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) ==
               0 &&
           out_info->si_pid == launch->pid;
}

static void launch_reap(struct launch *launch)
{
    siginfo_t info;
    int status;
    while (!launch->is_reaped && launch_look(launch, &info)) {
        if (info.si_code == CLD_STOPPED) {
            if (waitid(P_PID, (id_t)launch->pid, &info, WSTOPPED | WNOHANG) == 0 &&
                info.si_pid == launch->pid && info.si_status != SIGSTOP) {
                launch_stop_along(launch);
            }
            continue;
        }
        /* A process that has ended has a clock until it is waited for. */
        launch->cpu_time_ns = clock_cpu_ns((uint32_t)launch->pid);
        if (waitpid(launch->pid, &status, 0) < 0) {
            return;
        }
        launch->is_reaped = true;
        launch->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        launch->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
}

void launch_wait(struct launch *launch, uint64_t wait_ns)
{
    sigset_t set;
    siginfo_t info;
    launch_signal_set(&set);
    struct timespec timeout = {
        .tv_sec = (time_t)(wait_ns / 1000000000),
        .tv_nsec = (long)(wait_ns % 1000000000),
    };
    int signal;
    while ((signal = sigtimedwait(&set, &info, &timeout)) > 0) {
        timeout = (struct timespec){0};
        bool is_from_terminal = info.si_code == SI_KERNEL;
        bool is_stop_wish =
            signal == SIGINT || signal == SIGTERM || signal == SIGQUIT || signal == SIGHUP;
        if (signal == SIGCHLD || signal == SIGTSTP) {
            continue;
        }
        if (is_stop_wish && launch->is_reaped) {
            launch->interrupt_count++;
        }
        /* What a terminal sends goes to the whole group: the command has it already. */
        if (!launch->is_reaped && !is_from_terminal && info.si_pid != launch->pid) {
            kill(launch->pid, signal);
        }
    }
    launch_reap(launch);
}

void launch_end(struct launch *launch)
{
    sigset_t set;
    siginfo_t info;
    struct timespec none = {0};
    launch_signal_set(&set);
    while (sigtimedwait(&set, &info, &none) > 0) {
    }
    sigprocmask(SIG_SETMASK, &launch->old_mask, NULL);
}
