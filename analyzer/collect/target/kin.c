#include "kin.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../base/vec.h"
#include "true_pid.h"

enum {
    FORK_NS_MOST = 1000000000,
};

static void kin_take(struct kin *kin, uint32_t pid)
{
    uint32_t true_pid = true_pid_find(pid);
    int pid_fd = true_pid != 0 ? (int)syscall(SYS_pidfd_open, true_pid, 0) : -1;
    if (pid_fd < 0) {
        return; /* it has ended */
    }
    if (vec_reserve((void **)&kin->items, &kin->capacity, kin->count + 1, sizeof(*kin->items)) <
        0) {
        close(pid_fd);
        return;
    }
    kin->items[kin->count].pid = pid;
    kin->items[kin->count].pid_fd = pid_fd;
    kin->count++;
}

static bool kin_is_subject(const struct recording *recording, uint32_t pid)
{
    for (size_t i = recording->subject_count; i-- > 0;) {
        if (recording->subjects[i]->pid == pid && recording->subjects[i]->end == SUBJECT_RUNNING) {
            return true;
        }
    }
    return false;
}

void kin_look(struct kin *kin, struct ring_header *ring, const struct recording *recording)
{
    uint32_t begun = atomic_load(&ring->begun_forks);
    uint32_t done = atomic_load(&ring->done_forks);
    if (begun != kin->seen_begun || done != kin->seen_forks) {
        kin->changed_ns = clock_monotonic_ns();
        kin->seen_begun = begun;
    }
    if (done - kin->seen_forks > RING_FORKED_PIDS) {
        kin->seen_forks = done - RING_FORKED_PIDS;
    }
    while (kin->seen_forks != done) {
        uint32_t slot = kin->seen_forks % RING_FORKED_PIDS;
        uint32_t pid = atomic_exchange(&ring->forked_pids[slot], 0);
        if (pid == 0) {
            break; /* it is just about to write it */
        }
        kin->seen_forks++;
        kin_take(kin, pid);
    }
    for (size_t i = kin->count; i-- > 0;) {
        struct pollfd wait = {.fd = kin->items[i].pid_fd, .events = POLLIN};
        if (poll(&wait, 1, 0) == 1 || kin_is_subject(recording, kin->items[i].pid)) {
            close(kin->items[i].pid_fd);
            kin->items[i] = kin->items[--kin->count];
        }
    }
}

uint32_t kin_count(const struct kin *kin, uint32_t *out_pid)
{
    if (kin->count > 0) {
        *out_pid = kin->items[0].pid;
    }
    return (uint32_t)kin->count;
}

bool kin_is_due(const struct kin *kin, const struct ring_header *ring)
{
    uint32_t begun = atomic_load(&ring->begun_forks);
    uint32_t done = atomic_load(&ring->done_forks);
    if (done != kin->seen_forks || begun != kin->seen_begun) {
        return true;
    }
    return begun != done && clock_monotonic_ns() - kin->changed_ns < FORK_NS_MOST;
}

void kin_fini(struct kin *kin)
{
    for (size_t i = 0; i < kin->count; i++) {
        close(kin->items[i].pid_fd);
    }
    free(kin->items);
    *kin = (struct kin){0};
}
