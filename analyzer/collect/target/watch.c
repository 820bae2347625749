#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../drain/keep.h"
#include "true_pid.h"

enum {
    NAME_WAIT_NS = 5000000,
};

static void watch_end(struct subject *subject)
{
    subject->end = SUBJECT_GONE;
    subject->ended_ns =
        clock_ns(&subject->recording->clock, clock_ticks(&subject->recording->clock));
}

static void watch_start(struct subject *subject, const struct session *session)
{
    subject->true_pid = true_pid_find(subject->pid);
    if (subject->true_pid != 0) {
        subject->pid_fd = (int)syscall(SYS_pidfd_open, subject->true_pid, 0);
    }
    if (subject->true_pid == 0 || (subject->pid_fd < 0 && errno == ESRCH)) {
        watch_end(subject);
        return;
    }
    resident_open(&subject->resident, subject->true_pid, session->fd);
}

void watch_cpu_time(struct subject *subject, uint64_t used_ns)
{
    if (used_ns > subject->cpu_time_start_ns) {
        subject->cpu_time_ns = used_ns - subject->cpu_time_start_ns;
    }
}

static bool watch_has_ended(const struct subject *subject)
{
    if (subject->pid_fd < 0) {
        return kill((pid_t)subject->true_pid, 0) != 0 && errno == ESRCH;
    }
    struct pollfd wait = {.fd = subject->pid_fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

/* The kernel forgets a name with its thread, and threads name themselves late: look ever more
 * rarely. */
static void watch_name_threads(struct subject *subject)
{
    uint64_t now_ns = clock_ns(&subject->recording->clock, clock_ticks(&subject->recording->clock));
    for (size_t i = 0; i < subject->thread_count; i++) {
        struct thread *thread = &subject->threads[i];
        if (thread->open_lanes == 0 || now_ns < thread->next_name_ns) {
            continue;
        }
        thread->next_name_ns = now_ns + NAME_WAIT_NS + 3 * (now_ns - thread->started_ns);
        char path[64];
        snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", subject->true_pid, thread->tid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        char name[sizeof(thread->name)] = "";
        ssize_t count = read(fd, name, sizeof(name) - 1);
        close(fd);
        if (count > 0) {
            name[strcspn(name, "\n")] = '\0';
            thread_take_name(thread, name);
        }
    }
}

void watch_processes(struct recording *recording, const struct session *session,
                     uint32_t command_pid)
{
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct subject *subject = recording->subjects[i];
        if (subject->end != SUBJECT_RUNNING) {
            continue;
        }
        if (!subject->is_watched) {
            subject->is_watched = true;
            watch_start(subject, session);
        }
        watch_name_threads(subject);
        if (subject->pid != command_pid && subject->end == SUBJECT_RUNNING &&
            watch_has_ended(subject)) {
            watch_cpu_time(subject, clock_cpu_ns(subject->true_pid));
            watch_end(subject);
        }
    }
}

int watch_resident_sets(struct recording *recording, const struct session *session)
{
    uint64_t now_ns = clock_ns(&recording->clock, clock_ticks(&recording->clock));
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct subject *subject = recording->subjects[i];
        if (subject->end != SUBJECT_RUNNING || subject->resident.statm_fd < 0) {
            continue;
        }
        watch_cpu_time(subject, clock_cpu_ns(subject->true_pid));
        uint64_t rss_bytes = resident_read(&subject->resident, ring_bytes(session->chunk_count));
        if (rss_bytes == 0) {
            continue;
        }
        if (rss_bytes > subject->rss_peak_bytes) {
            subject->rss_peak_bytes = rss_bytes;
        }
        int r = tally_rss(&subject->tally, now_ns, rss_bytes);
        keep_rss(subject, now_ns, rss_bytes);
        if (r == 0) {
            r = memory_samples_look(&subject->memory, subject->true_pid, now_ns, rss_bytes,
                                    subject->tally.live_bytes, recording->directory);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

uint32_t watch_running_count(const struct recording *recording, uint32_t *out_pid)
{
    uint32_t count = 0;
    for (size_t i = 0; i < recording->subject_count; i++) {
        if (recording->subjects[i]->end == SUBJECT_RUNNING) {
            *out_pid = recording->subjects[i]->pid;
            count++;
        }
    }
    return count;
}
