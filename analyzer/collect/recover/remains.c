#include "remains.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_TRIES = 50,
    LOCK_PAUSE_NS = 10000000,
};

static int remains_stop_program(int fd)
{
    struct ring_header *header =
        mmap(NULL, RING_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED) {
        return -errno;
    }
    atomic_store(&header->is_recording, 0);
    munmap(header, RING_HEADER_BYTES);
    return 0;
}

static bool remains_is_ring(const struct ring_header *ring, uint64_t file_bytes)
{
    return ring->magic == RING_MAGIC && ring->version == RING_VERSION &&
           ring->max_bytes >= file_bytes;
}

/* Maps the ring as large as it is: the collector died before it could grow it any further. */
static int remains_map(struct remains *remains, const char *path, struct err *err)
{
    struct stat status;
    int fd = remains->session.fd;
    if (fstat(fd, &status) != 0) {
        return err_set_errno(err, errno, "cannot read '%s'", path);
    }
    uint64_t bytes = (uint64_t)status.st_size;
    if (!S_ISREG(status.st_mode) || bytes < ring_bytes(1)) {
        return err_set(err, EINVAL, "'%s' is no ring of allocaudit", path);
    }
    void *ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (ring == MAP_FAILED) {
        return err_set_errno(err, errno, "cannot map '%s'", path);
    }
    remains->session.ring = ring;
    remains->ring_bytes = bytes;
    remains->session.chunk_count = (uint32_t)((bytes - RING_CHUNKS_OFFSET) / RING_CHUNK_BYTES);
    remains->session.chunk_max = remains->session.chunk_count;
    if (!remains_is_ring(ring, bytes)) {
        return err_set(err, EINVAL, "'%s' is no ring of this version of allocaudit", path);
    }
    int r = remains_stop_program(fd);
    return r < 0 ? err_set_errno(err, -r, "cannot write '%s'", path) : 0;
}

/* A process that was just killed holds its lock until the kernel has taken it apart. */
static bool remains_lock(int fd)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return false;
}

static int remains_open_ring(struct remains *remains, const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return 0;
    }
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot open '%s'", path);
    }
    remains->session.fd = fd;
    if (!remains_lock(fd)) {
        return err_set(err, EBUSY, REMAINS_STILL_RECORDED);
    }
    int r = remains_map(remains, path, err);
    remains->is_found = r == 0;
    return r;
}

/*
 * The path comes from a file that anybody may have made, and the folder is removed in the end: it
 * must be one that a session has made, for this user.
 */
static bool remains_is_session(const char *directory)
{
    struct stat status;
    const char *slash = strrchr(directory, '/');
    const char *name = slash != NULL ? slash + 1 : directory;
    return strncmp(name, SESSION_PREFIX, strlen(SESSION_PREFIX)) == 0 &&
           lstat(directory, &status) == 0 && S_ISDIR(status.st_mode) &&
           (status.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
           (status.st_uid == geteuid() || geteuid() == 0);
}

int remains_open(struct remains *remains, const char *ring_path, struct err *err)
{
    *remains = (struct remains){.session = {.fd = -1}, .journal = {.fd = -1}};
    const char *slash = strrchr(ring_path, '/');
    if (slash == NULL || (access(ring_path, F_OK) != 0 && errno != EACCES)) {
        return 0;
    }
    char *directory = strndup(ring_path, (size_t)(slash - ring_path));
    if (directory == NULL) {
        return err_set(err, ENOMEM, "out of memory");
    }
    if (!remains_is_session(directory)) {
        free(directory);
        return err_set(err, EPERM,
                       "the ring is said to be '%s', which is in no folder that a recording of "
                       "yours has made: it is left alone",
                       ring_path);
    }
    int r = remains_open_ring(remains, ring_path, err);
    if (r < 0 || !remains->is_found) {
        free(directory);
        remains_close(remains, false);
        return r;
    }
    remains->directory = directory;
    remains->has_journal = journal_open(&remains->journal, remains->directory, &remains->clock,
                                        &remains->is_journal_whole, NULL) == 0;
    if (!remains->has_journal) {
        clock_start(&remains->clock);
    }
    if (remains->clock.ns_per_tick_32 == 0) {
        clock_calibrate(&remains->clock);
    }
    return 0;
}

void remains_close(struct remains *remains, bool is_done)
{
    journal_fini(&remains->journal);
    if (remains->session.ring != NULL) {
        munmap(remains->session.ring, remains->ring_bytes);
    }
    if (is_done && remains->directory != NULL) {
        session_remove_directory(remains->directory);
    }
    if (remains->session.fd >= 0) {
        close(remains->session.fd);
    }
    free(remains->directory);
    *remains = (struct remains){.session = {.fd = -1}, .journal = {.fd = -1}};
}
