/*
 * meter.c - runs a command and says what it and all that it started cost.
 *
 *   meter OUT APP LIMIT_MIB -- COMMAND [ARG...]
 *
 * Writes lines "key value" to OUT: status, wall_ns (until COMMAND ended), app_ns (until the first
 * process that runs the file APP ended: a recorder may have work to do after that; absent if it was
 * never seen), user_ns, system_ns and the switch counts of COMMAND and all its descendants,
 * command_cpu_ns of COMMAND's own process, and for each executable "peak_kib NAME KIB", the largest
 * VmHWM seen, and "own_peak_kib NAME KIB", the largest RssAnon, which is shared with nobody.
 * LIMIT_MIB bounds the address space of each process.
 *
 * SIGTERM ends all of them at once, wherever they have put themselves.
 *
 * Small on purpose: what a forked process used before it became another counts for that one, too.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PROGRAMS_MAX = 64,
    TREE_MAX = 1024,
    SEARCH_MS = 1,  /* until the app was found */
    SAMPLE_MS = 10, /* afterwards */
    FINISH_MS = 1,  /* once it has ended: a recorder's last work takes much memory for moments */
    ORPHANS_MS = 10000,
};

struct program {
    char path[PATH_MAX];
    long peak_kib;
    long own_peak_kib;
};

struct meter {
    char app_path[PATH_MAX];
    uint64_t started_ns;
    uint64_t ended_ns;
    uint64_t app_ended_ns; /* 0: not yet */
    uint64_t command_cpu_ns;
    int command_pidfd;
    int app_pidfd; /* -1: not found yet */
    struct program programs[PROGRAMS_MAX];
    size_t program_count;
};

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
    (void)number;
    is_stopped = 1;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "meter: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Reads a file of /proc as text; an empty text if the process is gone. */
static void read_text(const char *path, char *text, size_t text_bytes)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, text, text_bytes - 1) : 0;
    text[got > 0 ? got : 0] = '\0';
    if (file >= 0) {
        close(file);
    }
}

static void note_peak(struct meter *meter, const char *path, long peak_kib, long own_kib)
{
    size_t i = 0;
    while (i < meter->program_count && strcmp(meter->programs[i].path, path) != 0) {
        i++;
    }
    if (i == PROGRAMS_MAX) {
        return;
    }
    struct program *program = &meter->programs[i];
    if (i == meter->program_count) {
        snprintf(program->path, sizeof(program->path), "%s", path);
        meter->program_count++;
    }
    if (peak_kib > program->peak_kib) {
        program->peak_kib = peak_kib;
    }
    if (own_kib > program->own_peak_kib) {
        program->own_peak_kib = own_kib;
    }
}

/* The number of a line of /proc/PID/status; 0 if there is no such line. */
static long number_of(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    return line != NULL ? strtol(line + strlen(name), NULL, 10) : 0;
}

static void look_at(struct meter *meter, pid_t pid)
{
    char name[64];
    char exe[PATH_MAX];
    char text[8192];
    snprintf(name, sizeof(name), "/proc/%d/exe", pid);
    ssize_t length = readlink(name, exe, sizeof(exe) - 1);
    if (length <= 0) {
        return;
    }
    exe[length] = '\0';
    if (meter->app_pidfd < 0 && strcmp(exe, meter->app_path) == 0) {
        meter->app_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    }
    snprintf(name, sizeof(name), "/proc/%d/status", pid);
    read_text(name, text, sizeof(text));
    long peak_kib = number_of(text, "VmHWM:");
    if (peak_kib != 0) {
        note_peak(meter, exe, peak_kib, number_of(text, "RssAnon:"));
    }
}

/* Adds the children of all threads of `pid` to the list. */
static size_t add_children(pid_t pid, pid_t *list, size_t count)
{
    char name[64];
    char text[16384];
    snprintf(name, sizeof(name), "/proc/%d/task", pid);
    DIR *tasks = opendir(name);
    struct dirent *task;
    while (tasks != NULL && (task = readdir(tasks)) != NULL) {
        char path[sizeof(name) + NAME_MAX + sizeof("//children")];
        if (task->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s/children", name, task->d_name);
        read_text(path, text, sizeof(text));
        char *next = text;
        for (;;) {
            char *end;
            long child = strtol(next, &end, 10);
            if (end == next || count == TREE_MAX) {
                break;
            }
            list[count++] = (pid_t)child;
            next = end;
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

/* All descendants, level by level: the app is the first one found, not a copy that it forked. */
static void look_around(struct meter *meter)
{
    pid_t list[TREE_MAX];
    size_t count = add_children(getpid(), list, 0);
    for (size_t i = 0; i < count; i++) {
        look_at(meter, list[i]);
        count = add_children(list[i], list, count);
    }
}

static void end_all(void)
{
    pid_t list[TREE_MAX];
    size_t count = add_children(getpid(), list, 0);
    for (size_t i = 0; i < count; i++) {
        count = add_children(list[i], list, count);
        kill(list[i], SIGKILL);
    }
}

static int look_again_ms(const struct meter *meter)
{
    if (meter->app_ended_ns != 0) {
        return FINISH_MS;
    }
    return meter->app_pidfd < 0 ? SEARCH_MS : SAMPLE_MS;
}

static void wait_for_command(struct meter *meter)
{
    for (;;) {
        struct pollfd ends[2] = {{meter->command_pidfd, POLLIN, 0}, {meter->app_pidfd, POLLIN, 0}};
        if (meter->app_ended_ns != 0) {
            ends[1].fd = -1;
        }
        poll(ends, 2, look_again_ms(meter));
        uint64_t woken_ns = now_ns();
        if (ends[1].revents != 0) {
            meter->app_ended_ns = woken_ns;
        }
        if (ends[0].revents != 0) {
            meter->ended_ns = woken_ns;
            return;
        }
        if (is_stopped) {
            end_all();
        }
        look_around(meter);
    }
}

/* Of the process alone, all its threads, while it has not been waited for. */
static uint64_t cpu_ns_of(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * 1000000000U + (uint64_t)used.tv_nsec;
}

/* Whatever the command left behind still counts, for a while: then it is ended. */
static void reap_orphans(void)
{
    const uint64_t until_ns = now_ns() + ORPHANS_MS * 1000000ULL;
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0) {
            return;
        }
        if (pid == 0 && (is_stopped || now_ns() > until_ns)) {
            end_all();
        }
        if (pid == 0) {
            poll(NULL, 0, SAMPLE_MS);
        }
    }
}

static uint64_t as_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_usec * 1000U;
}

static int write_result(const struct meter *meter, const char *path, int wait_status)
{
    struct rusage usage;
    FILE *out = fopen(path, "w");
    if (out == NULL || getrusage(RUSAGE_CHILDREN, &usage) != 0) {
        die(path);
    }
    fprintf(out, "status %d\n",
            WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
    fprintf(out, "wall_ns %llu\n", (unsigned long long)(meter->ended_ns - meter->started_ns));
    if (meter->app_ended_ns != 0) {
        fprintf(out, "app_ns %llu\n",
                (unsigned long long)(meter->app_ended_ns - meter->started_ns));
    }
    fprintf(out, "user_ns %llu\n", (unsigned long long)as_ns(usage.ru_utime));
    fprintf(out, "system_ns %llu\n", (unsigned long long)as_ns(usage.ru_stime));
    fprintf(out, "voluntary_switch_count %ld\n", usage.ru_nvcsw);
    fprintf(out, "involuntary_switch_count %ld\n", usage.ru_nivcsw);
    fprintf(out, "command_cpu_ns %llu\n", (unsigned long long)meter->command_cpu_ns);
    for (size_t i = 0; i < meter->program_count; i++) {
        const struct program *program = &meter->programs[i];
        fprintf(out, "peak_kib %s %ld\n", program->path, program->peak_kib);
        fprintf(out, "own_peak_kib %s %ld\n", program->path, program->own_peak_kib);
    }
    return fclose(out);
}

static pid_t start(char **command, unsigned long limit_mib)
{
    pid_t pid = fork();
    if (pid < 0) {
        die("fork");
    }
    if (pid == 0) {
        const struct rlimit limit = {limit_mib << 20, limit_mib << 20};
        if (limit_mib > 0 && setrlimit(RLIMIT_AS, &limit) != 0) {
            die("setrlimit");
        }
        execvp(command[0], command);
        fprintf(stderr, "meter: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv)
{
    static struct meter meter = {.app_pidfd = -1};
    int wait_status;
    if (argc < 6 || strcmp(argv[4], "--") != 0) {
        fprintf(stderr, "usage: meter OUT APP LIMIT_MIB -- COMMAND [ARG...]\n");
        return 2;
    }
    if (realpath(argv[2], meter.app_path) == NULL) {
        die(argv[2]);
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        die("prctl");
    }
    meter.started_ns = now_ns();
    pid_t pid = start(argv + 5, strtoul(argv[3], NULL, 10));
    meter.command_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (meter.command_pidfd < 0) {
        die("pidfd_open");
    }
    wait_for_command(&meter);
    meter.command_cpu_ns = cpu_ns_of(pid);
    if (waitpid(pid, &wait_status, 0) != pid) {
        die("waitpid");
    }
    reap_orphans();
    return write_result(&meter, argv[1], wait_status) == 0 ? 0 : 1;
}
