#include "session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../base/str.h"

enum {
    CHUNKS_FIRST = 256, /* 8 MiB */
    WOKEN_PART = 4,     /* writers are woken when a quarter of the ring is free */
    CHUNKS_LEAST = 16,
};

/*
 * The kernel walks this list when the thread dies. It has one entry, whose futex word is the ring's
 * collector_alive.
 */
static struct {
    struct robust_list_head head;
    struct robust_list entry;
} alive;

static void session_declare_alive(struct ring_header *ring)
{
    alive.entry.next = &alive.head.list;
    alive.head.list.next = &alive.entry;
    alive.head.futex_offset = (char *)&ring->collector_alive - (char *)&alive.entry;
    atomic_store(&ring->collector_alive, (uint32_t)gettid());
    syscall(SYS_set_robust_list, &alive.head, sizeof(alive.head));
}

static int session_make_file(struct session *session, const char *parent, struct err *err)
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof(directory), "%s/" SESSION_PREFIX "XXXXXX", parent);
    if (mkdtemp(directory) == NULL) {
        return err_set_errno(err, errno, "cannot make a directory in '%s'", parent);
    }
    struct str path = {0};
    session->directory = strdup(directory);
    if (session->directory == NULL || str_printf(&path, "%s/ring", directory) < 0) {
        return err_set(err, ENOMEM, "out of memory");
    }
    session->path = path.text;
    session->fd = open(session->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (session->fd < 0) {
        return err_set_errno(err, errno, "cannot create '%s'", session->path);
    }
    /* Held until our death, it tells `recover` that we live. Where locks do not work it must wait.
     */
    (void)flock(session->fd, LOCK_EX | LOCK_NB);
    return 0;
}

static int session_allocate(const struct session *session, uint32_t chunk_count)
{
    int r;
    do {
        r = posix_fallocate(session->fd, 0, (off_t)ring_bytes(chunk_count));
    } while (r == EINTR);
    return -r;
}

static void session_add_chunks(struct session *session, uint32_t chunk_count)
{
    for (uint32_t number = chunk_count; number > session->chunk_count; number--) {
        ring_give_chunk(session->ring, number);
    }
    session->chunk_count = chunk_count;
    atomic_store(&session->ring->chunk_count, chunk_count);
}

static int session_set_up(struct session *session, const struct session_settings *settings,
                          const char *parent, struct err *err)
{
    int r = session_make_file(session, parent, err);
    if (r < 0) {
        return r;
    }
    if (settings->max_bytes < ring_bytes(CHUNKS_LEAST)) {
        return err_set(err, EINVAL, "a ring of %llu bytes is too small",
                       (unsigned long long)settings->max_bytes);
    }
    session->chunk_max = (uint32_t)((settings->max_bytes - RING_CHUNKS_OFFSET) / RING_CHUNK_BYTES);
    uint32_t chunk_count = session->chunk_max < CHUNKS_FIRST ? session->chunk_max : CHUNKS_FIRST;
    while ((r = session_allocate(session, chunk_count)) < 0 && chunk_count > CHUNKS_LEAST) {
        chunk_count /= 2;
    }
    if (r < 0) {
        return err_set_errno(err, -r, "cannot allocate the ring '%s'", session->path);
    }
    uint64_t map_bytes = ring_bytes(session->chunk_max);
    void *ring =
        mmap(NULL, map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, session->fd, 0);
    if (ring == MAP_FAILED) {
        return err_set_errno(err, errno, "cannot map '%s'", session->path);
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    session->writer_count = processors > 2 ? (int)processors - 1 : 1;
    session->ring = ring;
    session->ring->version = RING_VERSION;
    session->ring->clock = settings->clock;
    session->ring->flags = settings->flags;
    session->ring->depth_limit = settings->depth_limit;
    session->ring->unwind = settings->unwind;
    session->ring->sample_bytes = settings->sample_bytes;
    session->ring->sample_seed = settings->sample_seed;
    session->ring->introspect_ns = settings->introspect_ns;
    session->ring->max_bytes = map_bytes;
    atomic_store(&session->ring->next_process_key, 1);
    session_add_chunks(session, chunk_count);
    session_declare_alive(session->ring);
    atomic_store(&session->ring->is_recording, 1);
    session->ring->magic = RING_MAGIC;
    return 0;
}

int session_create(struct session *session, const struct session_settings *settings,
                   struct err *err)
{
    const char *parents[] = {"/dev/shm", settings->fallback_directory};
    int r = -ENOENT;
    for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
        *session = (struct session){.fd = -1};
        r = session_set_up(session, settings, parents[i], err);
        if (r == 0) {
            return 0;
        }
        session_destroy(session);
    }
    return r;
}

void session_grow(struct session *session)
{
    uint32_t wanted = session->chunk_count * 2;
    wanted = wanted > session->chunk_max ? session->chunk_max : wanted;
    if (wanted > session->chunk_count) {
        if (session_allocate(session, wanted) == 0) {
            session_add_chunks(session, wanted);
            session_wake_writers(session, true);
        } else {
            session->chunk_max = session->chunk_count;
        }
    }
}

void session_give_chunk(struct session *session, uint32_t number)
{
    ring_give_chunk(session->ring, number);
    session->given_count++;
}

void session_wake_writers(struct session *session, bool is_all_read)
{
    if (!is_all_read && session->given_count < session->chunk_count / WOKEN_PART) {
        return;
    }
    session->given_count = 0;
    atomic_fetch_add(&session->ring->freed_count, 1);
    if (atomic_load(&session->ring->waiting_count) != 0) {
        int count = is_all_read ? INT_MAX : session->writer_count;
        syscall(SYS_futex, &session->ring->freed_count, FUTEX_WAKE, count, NULL, NULL, 0);
    }
}

void session_stop(struct session *session)
{
    if (session->ring != NULL) {
        atomic_store(&session->ring->is_recording, 0);
        session_wake_writers(session, true);
    }
}

void session_remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.') {
            unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    closedir(directory);
    rmdir(path);
}

void session_leave(struct session *session)
{
    session->is_left = true;
}

void session_destroy(struct session *session)
{
    session_stop(session);
    if (session->ring != NULL) {
        alive.head.list.next = &alive.head.list;
        munmap(session->ring, session->ring->max_bytes);
    }
    if (session->fd >= 0) {
        close(session->fd);
    }
    if (session->directory != NULL && !session->is_left) {
        session_remove_directory(session->directory);
    }
    free(session->path);
    session->path = NULL;
    free(session->directory);
    session->directory = NULL;
    *session = (struct session){.fd = -1};
}

void session_share(const struct session *session, bool is_shared)
{
    madvise(session->ring, ring_bytes(session->chunk_max), is_shared ? MADV_DOFORK : MADV_DONTFORK);
}
