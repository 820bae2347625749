#include "ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int ballast_take(struct ballast *ballast, const char *path, uint64_t bytes, struct err *err)
{
    char name[PATH_MAX];
    *ballast = (struct ballast){.fd = -1};
    if (snprintf(name, sizeof(name), "%s.XXXXXX", path) >= (int)sizeof(name)) {
        return err_set_errno(err, ENAMETOOLONG, "cannot write '%s'", path);
    }
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        return err_set_errno(err, errno, "cannot write beside '%s'", path);
    }
    unlink(name);
    int r = posix_fallocate(fd, 0, (off_t)bytes);
    if (r != 0) {
        close(fd);
        return err_set_errno(err, r, "no room for '%s'", path);
    }
    *ballast = (struct ballast){.fd = fd, .bytes = bytes};
    return 0;
}

void ballast_grow(struct ballast *ballast, uint64_t bytes)
{
    if (ballast->fd >= 0 && bytes > ballast->bytes &&
        posix_fallocate(ballast->fd, 0, (off_t)bytes) == 0) {
        ballast->bytes = bytes;
    }
}

void ballast_release(struct ballast *ballast)
{
    if (ballast->fd >= 0) {
        close(ballast->fd);
    }
    *ballast = (struct ballast){.fd = -1};
}
