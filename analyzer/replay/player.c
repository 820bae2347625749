#include "player.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SCRIPT_FD = 3,
    PAIRS_MAX = 64,
    SILENCE_LIMIT_MS = 30 * 60 * 1000, /* a replay says nothing until its end */
    OUTPUT_MAX_BYTES = 1 << 20,
};

static const char *const call_names[PLAYER_CALL_COUNT] = {
    [PLAYER_MALLOC] = "malloc",   [PLAYER_CALLOC] = "calloc", [PLAYER_ALIGNED] = "aligned",
    [PLAYER_REALLOC] = "realloc", [PLAYER_FREE] = "free",
};

const char *player_call_name(enum player_call call)
{
    return call_names[call];
}

/* In the child: becomes the job. */
static void become(const struct player_job *job, const int out[2], const char *preload)
{
    char *environment[PAIRS_MAX + 2];
    size_t count = 0;
    if (preload[0] != '\0') {
        environment[count++] = (char *)preload;
    }
    for (const char *const *pair = job->pairs; *pair != NULL && count < PAIRS_MAX; pair++) {
        environment[count++] = (char *)*pair;
    }
    environment[count] = NULL;
    (void)personality(ADDR_NO_RANDOMIZE);
    bool is_ready = dup2(out[0], STDOUT_FILENO) >= 0 && dup2(out[1], STDERR_FILENO) >= 0;
    if (is_ready && job->script_fd >= 0) {
        is_ready = job->script_fd == SCRIPT_FD ? fcntl(SCRIPT_FD, F_SETFD, 0) == 0
                                               : dup2(job->script_fd, SCRIPT_FD) >= 0;
    }
    if (is_ready) {
        execve(job->program, (char *const *)job->words, environment);
    }
    _exit(127);
}

/* Appends what is there. Returns 1, 0 at the end, or a negative errno. */
static int take(int fd, struct str *text)
{
    char bytes[4096];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    if (got < 0) {
        return errno == EINTR ? 1 : -errno;
    }
    if (got == 0) {
        return 0;
    }
    if (text->size_bytes > OUTPUT_MAX_BYTES) {
        return 1; /* what an allocator says without end is of no use */
    }
    int result = str_append_bytes(text, bytes, (size_t)got);
    return result < 0 ? result : 1;
}

static int gather(const int fds[2], struct str *answer, struct str *talk)
{
    struct pollfd waits[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    struct str *texts[2] = {answer, talk};
    while (waits[0].fd >= 0 || waits[1].fd >= 0) {
        int ready = poll(waits, 2, SILENCE_LIMIT_MS);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            return ready < 0 ? -errno : -ETIMEDOUT;
        }
        for (size_t i = 0; i < 2; i++) {
            int result = waits[i].revents != 0 ? take(fds[i], texts[i]) : 1;
            if (result < 0) {
                return result;
            }
            waits[i].fd = result == 0 ? -1 : waits[i].fd;
        }
    }
    return 0;
}

/* The last line of what it said, if it said anything. */
static int tell_end(int status, const struct str *talk, struct err *err)
{
    if (WIFSIGNALED(status)) {
        return err_set(err, ECHILD, "was killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return 0;
    }
    const char *text = str_text(talk);
    size_t length = strcspn(text, "\n");
    return err_set(err, ECHILD, "ended with status %d%s%.*s", WEXITSTATUS(status),
                   length > 0 ? ": " : "", (int)length, text);
}

static int reap(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static int start(const struct player_job *job, pid_t *out_pid, int out_fds[2])
{
    int answer[2] = {-1, -1};
    int talk[2] = {-1, -1};
    struct str preload = {0};
    int result = 0;
    if (job->preload[0] != '\0') {
        result = str_printf(&preload, "LD_PRELOAD=%s", job->preload);
    }
    if (result == 0 && (pipe2(answer, O_CLOEXEC) != 0 || pipe2(talk, O_CLOEXEC) != 0)) {
        result = -errno;
    }
    pid_t pid = result == 0 ? fork() : -1;
    if (pid == 0) {
        const int ends[2] = {answer[1], talk[1]};
        become(job, ends, str_text(&preload));
    }
    if (result == 0 && pid < 0) {
        result = -errno;
    }
    str_fini(&preload);
    if (answer[1] >= 0) {
        (void)close(answer[1]);
    }
    if (talk[1] >= 0) {
        (void)close(talk[1]);
    }
    if (result < 0) {
        (void)(answer[0] >= 0 && close(answer[0]));
        (void)(talk[0] >= 0 && close(talk[0]));
        return result;
    }
    *out_pid = pid;
    out_fds[0] = answer[0];
    out_fds[1] = talk[0];
    return 0;
}

int player_run(const struct player_job *job, struct str *out_answer, struct str *out_talk,
               struct err *err)
{
    pid_t pid;
    int fds[2];
    str_clear(out_answer);
    str_clear(out_talk);
    int result = start(job, &pid, fds);
    if (result < 0) {
        return err_set_errno(err, -result, "cannot run '%s'", job->program);
    }
    result = gather(fds, out_answer, out_talk);
    (void)close(fds[0]);
    (void)close(fds[1]);
    if (result < 0) {
        (void)kill(pid, SIGKILL);
        (void)reap(pid);
        return err_set_errno(err, -result, "cannot read from '%s'", job->program);
    }
    return tell_end(reap(pid), out_talk, err);
}

static bool read_latency(const char *line, struct player_result *result)
{
    char name[16];
    unsigned long long count;
    struct player_latency latency;
    int found = sscanf(line, "latency %15s %llu %lf %lf %lf %lf", name, &count, &latency.p50_ns,
                       &latency.p99_ns, &latency.p999_ns, &latency.max_ns);
    latency.count = count;
    for (unsigned call = 0; found == 6 && call < PLAYER_CALL_COUNT; call++) {
        if (strcmp(name, call_names[call]) == 0) {
            result->latencies[call] = latency;
            return true;
        }
    }
    return false;
}

static bool read_value(const char *line, struct player_result *result)
{
    const struct {
        const char *key;
        uint64_t *value;
    } places[] = {
        {"call_count", &result->call_count},
        {"failed_count", &result->failed_count},
        {"missed_count", &result->missed_count},
        {"rss_ready_bytes", &result->rss_ready_bytes},
        {"rss_peak_bytes", &result->rss_peak_bytes},
        {"private_ready_bytes", &result->private_ready_bytes},
        {"private_peak_bytes", &result->private_peak_bytes},
        {"rss_mean_bytes", &result->rss_mean_bytes},
        {"rss_end_bytes", &result->rss_end_bytes},
        {"rss_at_peak_bytes", &result->rss_at_peak_bytes},
        {"fault_count", &result->fault_count},
        {"cpu_ns", &result->cpu_ns},
        {"wall_ns", &result->wall_ns},
        {"worst_ns", &result->worst_ns},
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        size_t length = strlen(places[i].key);
        if (strncmp(line, places[i].key, length) == 0 && line[length] == ' ') {
            *places[i].value = strtoull(line + length, NULL, 10);
            return true;
        }
    }
    return false;
}

int player_read(const char *answer, struct player_result *out_result, struct err *err)
{
    struct player_result result = {0};
    unsigned found_count = 0;
    for (const char *line = answer; *line != '\0'; line += line[0] == '\n') {
        found_count += read_value(line, &result) || read_latency(line, &result);
        line += strcspn(line, "\n");
    }
    if (found_count == 0) {
        return err_set(err, EBADMSG, "gave no answer");
    }
    *out_result = result;
    return 0;
}
