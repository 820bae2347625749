#include "run_output.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../base/writer_lock.h"
#include "../collect/tables/store.h"

int run_output_keep_old(const char *path, struct err *err)
{
    struct stat status;
    char old[PATH_MAX];
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : err_set_errno(err, errno, "cannot write '%s'", path);
    }
    if (!S_ISREG(status.st_mode) || (status.st_size > 0 && !store_is_recording(path))) {
        return err_set(err, EEXIST,
                       "'%s' exists and is no recording of allocaudit: choose another file with -o",
                       path);
    }
    if (writer_lock_is_held(path)) {
        return err_set(err, EBUSY, "'%s' is still being recorded: choose another file with -o",
                       path);
    }
    if (snprintf(old, sizeof(old), "%s.old", path) >= (int)sizeof(old)) {
        return err_set_errno(err, ENAMETOOLONG, "cannot write '%s'", path);
    }
    if (rename(path, old) != 0) {
        return err_set_errno(err, errno, "cannot rename '%s' to '%s'", path, old);
    }
    return 0;
}
