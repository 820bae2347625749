#include "writer_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_BYTE = 0x40000000 + 65535, /* of SQLite's lock page, of which it locks the first 512 */
    LOCK_TRIES = 50,
    LOCK_PAUSE_NS = 10000000,
};

static struct flock writer_lock_byte(void)
{
    return (struct flock){
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = LOCK_BYTE,
        .l_len = 1,
    };
}

bool writer_lock_take(int fd)
{
    struct flock lock = writer_lock_byte();
    return fcntl(fd, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

bool writer_lock_wait(int fd)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (writer_lock_take(fd)) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return false;
}

bool writer_lock_is_held(const char *path)
{
    struct flock lock = writer_lock_byte();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    bool is_held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return is_held;
}
