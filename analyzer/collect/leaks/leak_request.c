#include "leak_request.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../../schema/ring.h"
#include "../recording/clock.h"
#include "leak_demand.h"

enum {
    SLICE_NS = 100000000,
    COPY_BYTES = 1 << 16,
};

#define SILENCE_NS_MOST UINT64_C(15000000000) /* of a collector that lives */

/* A recording that goes on. */
struct leak_session {
    struct ring_header *ring;
    char directory[PATH_MAX];
};

/* Maps the ring at `path` if it is one of ours whose collector lives, which holds a lock on it. */
static struct ring_header *request_map(const char *path)
{
    struct stat status;
    struct ring_header *ring = MAP_FAILED;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size >= (off_t)RING_CHUNKS_OFFSET && flock(fd, LOCK_SH | LOCK_NB) != 0) {
        ring = mmap(NULL, RING_CHUNKS_OFFSET, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (ring != MAP_FAILED && (ring->magic != RING_MAGIC || ring->version != RING_VERSION)) {
        munmap(ring, RING_CHUNKS_OFFSET);
        ring = MAP_FAILED;
    }
    return ring == MAP_FAILED ? NULL : ring;
}

static bool request_has_process(struct ring_header *ring, uint32_t pid)
{
    uint32_t lane_high = atomic_load(&ring->lane_high);
    for (uint32_t i = 0; i < lane_high && i < RING_LANE_CAPACITY; i++) {
        const struct lane *lane = ring_lane(ring, i);
        if (atomic_load(&lane->state) == LANE_OPEN && lane->pid == pid) {
            return true;
        }
    }
    return false;
}

static bool request_find_in(const char *parent, uint32_t pid, struct leak_session *session)
{
    static const char prefix[] = "allocaudit-";
    char path[PATH_MAX];
    bool is_found = false;
    DIR *directory = opendir(parent);
    if (directory == NULL) {
        return false;
    }
    for (struct dirent *entry; !is_found && (entry = readdir(directory)) != NULL;) {
        if (strncmp(entry->d_name, prefix, sizeof(prefix) - 1) != 0 ||
            snprintf(session->directory, sizeof(session->directory), "%s/%s", parent,
                     entry->d_name) >= (int)sizeof(session->directory) ||
            snprintf(path, sizeof(path), "%s/ring", session->directory) >= (int)sizeof(path)) {
            continue;
        }
        session->ring = request_map(path);
        is_found = session->ring != NULL && request_has_process(session->ring, pid);
        if (!is_found && session->ring != NULL) {
            munmap(session->ring, RING_CHUNKS_OFFSET);
        }
    }
    closedir(directory);
    return is_found;
}

static void request_wait(_Atomic uint32_t *word, uint32_t value)
{
    const struct timespec slice = {.tv_nsec = SLICE_NS};
    syscall(SYS_futex, word, FUTEX_WAIT, value, &slice, NULL, 0);
}

/* Asks, and waits as long as the collector is at work. Returns 0, -EBUSY or -EPIPE. */
static int request_ask(struct ring_header *ring, uint32_t pid)
{
    struct ring_look *look = &ring->look;
    uint32_t expected = SCAN_FREE;
    if (!atomic_compare_exchange_strong(&look->state, &expected, SCAN_CLAIMED)) {
        return -EBUSY;
    }
    look->pid = pid;
    atomic_store(&look->state, SCAN_ASKED);
    atomic_fetch_add(&ring->scan_count, 1);
    syscall(SYS_futex, &ring->scan_count, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    uint32_t progress = atomic_load(&look->progress);
    uint64_t until_ns = clock_monotonic_ns() + SILENCE_NS_MOST;
    while (atomic_load(&look->state) == SCAN_ASKED) {
        uint32_t owner = atomic_load(&ring->collector_alive);
        bool is_gone = (owner & FUTEX_OWNER_DIED) != 0 || (owner & FUTEX_TID_MASK) == 0;
        if (is_gone || clock_monotonic_ns() > until_ns) {
            return -EPIPE;
        }
        request_wait(&look->state, SCAN_ASKED);
        if (atomic_load(&look->progress) != progress) {
            progress = atomic_load(&look->progress);
            until_ns = clock_monotonic_ns() + SILENCE_NS_MOST;
        }
    }
    return 0;
}

static int request_copy(int from, int to)
{
    char bytes[COPY_BYTES];
    ssize_t count;
    while ((count = read(from, bytes, sizeof(bytes))) > 0) {
        for (ssize_t done = 0; done < count;) {
            ssize_t written = write(to, bytes + done, (size_t)(count - done));
            if (written < 0) {
                return -errno;
            }
            done += written;
        }
    }
    return count < 0 ? -errno : 0;
}

static int request_fetch(const struct leak_session *session, const char *path, struct err *err)
{
    char answer[PATH_MAX + sizeof(LEAK_DEMAND_FILE) + 1];
    (void)snprintf(answer, sizeof(answer), "%s/" LEAK_DEMAND_FILE, session->directory);
    int from = open(answer, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0) {
        return err_set_errno(err, errno, "cannot read '%s'", answer);
    }
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = to < 0 ? -errno : request_copy(from, to);
    if (to >= 0 && close(to) != 0 && r == 0) {
        r = -errno;
    }
    if (r < 0 && to >= 0) {
        unlink(path);
    }
    close(from);
    unlink(answer);
    return r < 0 ? err_set_errno(err, -r, "cannot write '%s'", path) : 0;
}

static int request_answer(const struct leak_session *session, const char *path,
                          struct leak_reply *out_reply, struct err *err)
{
    const struct ring_look *look = &session->ring->look;
    *out_reply = (struct leak_reply){
        .still_ns = look->still_ns,
        .looked_count = look->looked_count,
        .is_moving = look->is_moving != 0,
    };
    if (look->error != 0) {
        char reason[sizeof(look->reason) + 1] = "";
        memcpy(reason, look->reason, sizeof(look->reason));
        return err_set(err, -look->error, "process %u: %s", look->pid, reason);
    }
    return request_fetch(session, path, err);
}

int leak_request_make(uint32_t pid, const char *path, struct leak_reply *out_reply, struct err *err)
{
    struct leak_session session = {.ring = NULL};
    if (!request_find_in("/dev/shm", pid, &session) && !request_find_in(".", pid, &session)) {
        return err_set(err, ESRCH,
                       "process %u is not being recorded, or by another user: start it with "
                       "'allocaudit run'",
                       pid);
    }
    int r = request_ask(session.ring, pid);
    if (r == -EBUSY) {
        err_set(err, EBUSY, "another 'allocaudit leaks --now' is asking this recording");
    } else if (r < 0) {
        err_set(err, EPIPE, "the recorder of process %u does not answer", pid);
    } else {
        r = request_answer(&session, path, out_reply, err);
    }
    if (r != -EBUSY) {
        atomic_store(&session.ring->look.state, SCAN_FREE);
    }
    munmap(session.ring, RING_CHUNKS_OFFSET);
    return r;
}
