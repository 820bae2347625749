#include "result_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/str.h"

/* The file behind links, so that a link stays one; a copy of `path` where there is none yet. */
static char *resolve(const char *path)
{
    char *resolved = realpath(path, NULL);
    return resolved != NULL ? resolved : strdup(path);
}

static int refuse(const char *path, int code, struct err *err)
{
    return err_set_errno(err, code, "cannot write '%s'", path);
}

/* A name of its own in the same folder, since a file can be renamed only within its file system. */
static char *name_temporary(const char *path)
{
    struct str name = {0};
    if (str_printf(&name, "%s.%ld.tmp", path, (long)getpid()) < 0) {
        str_fini(&name);
        return NULL;
    }
    return name.text;
}

int result_file_open(const char *path, struct result_file *out_file, struct err *err)
{
    if (path == NULL || strcmp(path, "-") == 0) {
        *out_file = (struct result_file){.stream = stdout};
        return 0;
    }
    struct stat status;
    bool is_replaced = stat(path, &status) != 0 || S_ISREG(status.st_mode);
    struct result_file file = {.path = resolve(path)};
    if (file.path != NULL && is_replaced) {
        file.temporary = name_temporary(file.path);
    }
    if (file.path == NULL || (is_replaced && file.temporary == NULL)) {
        free(file.path);
        return refuse(path, ENOMEM, err);
    }
    const char *opened = is_replaced ? file.temporary : file.path;
    int fd = open(opened, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    file.stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file.stream == NULL) {
        int result = refuse(path, errno, err);
        if (fd >= 0) {
            (void)close(fd);
            (void)unlink(opened);
        }
        free(file.path);
        free(file.temporary);
        return result;
    }
    *out_file = file;
    return 0;
}

/* Flushes, and closes what is not stdout. Returns 0 or a positive errno. */
static int close_stream(struct result_file *file)
{
    errno = 0;
    bool has_failed = fflush(file->stream) != 0 || ferror(file->stream);
    int code = has_failed ? (errno != 0 ? errno : EIO) : 0;
    if (file->path != NULL && fclose(file->stream) != 0 && code == 0) {
        code = errno;
    }
    file->stream = NULL;
    return code;
}

int result_file_finish(struct result_file *file, struct err *err)
{
    int code = close_stream(file);
    if (code == 0 && file->temporary != NULL && rename(file->temporary, file->path) != 0) {
        code = errno;
    }
    int result = 0;
    if (code != 0) {
        result = file->path != NULL ? refuse(file->path, code, err)
                                    : err_set_errno(err, code, "cannot write the output");
    }
    if (code != 0 && file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    free(file->path);
    free(file->temporary);
    *file = (struct result_file){0};
    return result;
}

void result_file_abandon(struct result_file *file)
{
    if (file->stream != NULL) {
        (void)close_stream(file);
    }
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    free(file->path);
    free(file->temporary);
    *file = (struct result_file){0};
}
