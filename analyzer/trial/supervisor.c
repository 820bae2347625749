#include "supervisor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second_ns = 1000 * 1000 * 1000;
static const uint64_t patience_ns = UINT64_C(2000) * 1000 * 1000; /* until someone is told */
static const uint64_t killing_ns = 10 * 1000 * 1000;

struct supervisor {
    const struct supervisor_task *task;
    int report_fd;
    pid_t command_pid;
    uint64_t started_ns;
    uint64_t ended_ns; /* the command; 0: it has not */
    bool is_alone;     /* nothing is left to wait for */
    bool is_killing;
    bool has_told;
    struct measurement measurement;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

static void report(const struct supervisor *supervisor, const struct supervisor_report *news)
{
    /* Without a reader there is nobody to tell that it failed. */
    (void)!write(supervisor->report_fd, news, sizeof(*news));
}

/* In the command's process. It was forked, not spawned in shared memory: a process begins with the
 * peak of the memory that it leaves by exec, and the supervisor's alone is less than any
 * program's. */
static _Noreturn void become_command(const struct supervisor *supervisor)
{
    const struct supervisor_task *task = supervisor->task;
    struct supervisor_report news = {.news = SUPERVISOR_NOT_STARTED};
    if (dup2(task->input_fd, STDIN_FILENO) >= 0 && dup2(task->output_fd, STDOUT_FILENO) >= 0 &&
        dup2(task->errors_fd, STDERR_FILENO) >= 0) {
        environ = task->environment;
        sigprocmask(SIG_SETMASK, &task->signal_mask, NULL);
        execvp(task->command[0], task->command);
    }
    news.code = errno;
    report(supervisor, &news);
    _exit(127);
}

static void note_end(struct supervisor *supervisor, int status)
{
    struct measurement *measurement = &supervisor->measurement;
    supervisor->ended_ns = now_ns();
    measurement->wall_ns = supervisor->ended_ns - supervisor->started_ns;
    if (measurement->end == MEASUREMENT_TIMED_OUT) {
        return;
    }
    measurement->end = WIFSIGNALED(status) ? MEASUREMENT_SIGNALLED : MEASUREMENT_EXITED;
    measurement->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    measurement->exit_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void reap(struct supervisor *supervisor)
{
    int status = 0;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == supervisor->command_pid) {
            note_end(supervisor, status);
        }
    }
    supervisor->is_alone = pid < 0 && errno == ECHILD;
}

/* Calls back for each child that there is now. The kernel lists them only if it was built to. */
static void each_child(struct supervisor *supervisor,
                       void (*visit)(struct supervisor *supervisor, pid_t pid))
{
    FILE *file = fopen("/proc/thread-self/children", "re");
    long pid = supervisor->command_pid;
    if (file == NULL && supervisor->ended_ns == 0) {
        visit(supervisor, (pid_t)pid);
    }
    while (file != NULL && fscanf(file, "%ld", &pid) == 1) {
        visit(supervisor, (pid_t)pid);
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void kill_child(struct supervisor *supervisor, pid_t pid)
{
    (void)supervisor;
    kill(pid, SIGKILL);
}

static void tell_child(struct supervisor *supervisor, pid_t pid)
{
    if (!supervisor->has_told) {
        const struct supervisor_report news = {.news = SUPERVISOR_WAITING, .pid = pid};
        report(supervisor, &news);
    }
    supervisor->has_told = true;
}

/* When there is something to do though no signal has come; UINT64_MAX: never. */
static uint64_t next_ns(const struct supervisor *supervisor)
{
    uint64_t next = UINT64_MAX;
    if (supervisor->is_killing) {
        return now_ns() + killing_ns;
    }
    if (supervisor->task->timeout_ns != 0) {
        next = supervisor->started_ns + supervisor->task->timeout_ns;
    }
    if (supervisor->ended_ns != 0 && !supervisor->has_told &&
        supervisor->ended_ns + patience_ns < next) {
        next = supervisor->ended_ns + patience_ns;
    }
    return next;
}

/* Returns the signal that came, or -1. */
static int sleep_until(uint64_t until_ns)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    const uint64_t now = now_ns();
    const uint64_t left_ns = until_ns > now ? until_ns - now : 0;
    const struct timespec left = {.tv_sec = (time_t)(left_ns / second_ns),
                                  .tv_nsec = (long)(left_ns % second_ns)};
    return sigtimedwait(&set, NULL, until_ns != UINT64_MAX ? &left : NULL);
}

/* Whoever dies leaves its children to us, so killing ours again and again ends all of them. */
static void watch(struct supervisor *supervisor)
{
    const struct supervisor_task *task = supervisor->task;
    while (!supervisor->is_alone) {
        const int signal = sleep_until(next_ns(supervisor));
        reap(supervisor);
        const uint64_t now = now_ns();
        if (task->timeout_ns != 0 && now - supervisor->started_ns >= task->timeout_ns &&
            !supervisor->is_killing && !supervisor->is_alone) {
            supervisor->measurement.end = MEASUREMENT_TIMED_OUT;
            supervisor->is_killing = true;
        }
        supervisor->is_killing |= signal == SIGTERM;
        if (supervisor->is_killing) {
            each_child(supervisor, kill_child);
        } else if (supervisor->ended_ns != 0 && now - supervisor->ended_ns >= patience_ns) {
            each_child(supervisor, tell_child);
        }
    }
}

static uint64_t to_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * second_ns + (uint64_t)time.tv_usec * 1000;
}

static void add_up(struct measurement *measurement)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_CHILDREN, &usage);
    measurement->user_ns = to_ns(usage.ru_utime);
    measurement->system_ns = to_ns(usage.ru_stime);
    measurement->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    measurement->minor_fault_count = (uint64_t)usage.ru_minflt;
    measurement->major_fault_count = (uint64_t)usage.ru_majflt;
    measurement->voluntary_switch_count = (uint64_t)usage.ru_nvcsw;
    measurement->involuntary_switch_count = (uint64_t)usage.ru_nivcsw;
}

/* Makes everything below us ours, and us our parent's. */
static void take_charge(pid_t parent_pid)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    const struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &plain, NULL); /* if it was ignored, nobody could be waited for */
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent_pid) {
        _exit(1);
    }
}

void supervisor_run(const struct supervisor_task *task, pid_t parent_pid, int report_fd)
{
    struct supervisor supervisor = {.task = task, .report_fd = report_fd};
    take_charge(parent_pid);
    supervisor.started_ns = now_ns();
    supervisor.command_pid = fork();
    if (supervisor.command_pid == 0) {
        become_command(&supervisor);
    }
    if (supervisor.command_pid < 0) {
        const struct supervisor_report news = {.news = SUPERVISOR_NOT_STARTED, .code = errno};
        report(&supervisor, &news);
        _exit(1);
    }

    close(task->input_fd);
    close(task->output_fd);
    close(task->errors_fd);
    watch(&supervisor);
    add_up(&supervisor.measurement);
    const struct supervisor_report news = {.news = SUPERVISOR_DONE,
                                           .measurement = supervisor.measurement};
    report(&supervisor, &news);
    _exit(0);
}
