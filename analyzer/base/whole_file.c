#include "whole_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "str.h"

static int fail(struct whole_file *file, int code, const char *path, struct err *err)
{
    whole_file_discard(file);
    return err_set_errno(err, code, "cannot write '%s'", path);
}

/* The permissions of the file that was there, or those of any new file. */
static mode_t wanted_mode(const struct stat *old)
{
    if (old != NULL) {
        return old->st_mode & 0777;
    }
    const mode_t mask = umask(0);
    (void)umask(mask);
    return 0666 & ~mask;
}

static int open_temporary(struct whole_file *file, mode_t mode)
{
    struct str name = {0};
    if (str_printf(&name, "%s.XXXXXX", file->path) < 0) {
        return -ENOMEM;
    }
    const int fd = mkstemp(name.text);
    if (fd < 0) {
        const int code = errno;
        str_fini(&name);
        return -code;
    }
    file->temporary = name.text;
    file->stream = fchmod(fd, mode) == 0 ? fdopen(fd, "w") : NULL;
    if (file->stream == NULL) {
        const int code = errno;
        (void)close(fd);
        return -code;
    }
    return 0;
}

int whole_file_open(const char *path, struct whole_file *out_file, struct err *err)
{
    struct whole_file file = {0};
    struct stat old;
    if (path == NULL || strcmp(path, "-") == 0) {
        *out_file = (struct whole_file){.stream = stdout};
        return 0;
    }
    const bool is_there = stat(path, &old) == 0;
    if (is_there && S_ISDIR(old.st_mode)) {
        return fail(&file, EISDIR, path, err);
    }
    file.path = is_there ? realpath(path, NULL) : strdup(path);
    if (file.path == NULL) {
        return fail(&file, errno, path, err);
    }
    if (is_there && !S_ISREG(old.st_mode)) {
        file.stream = fopen(path, "w");
        if (file.stream == NULL) {
            return fail(&file, errno, path, err);
        }
    } else {
        const int r = open_temporary(&file, wanted_mode(is_there ? &old : NULL));
        if (r < 0) {
            return fail(&file, -r, path, err);
        }
    }
    *out_file = file;
    return 0;
}

/* Flushes, and closes what is not stdout. Returns 0 or a positive errno. */
static int close_stream(struct whole_file *file)
{
    errno = 0;
    const bool is_written = fflush(file->stream) == 0 && !ferror(file->stream);
    int code = is_written ? 0 : (errno != 0 ? errno : EIO);
    if (file->path != NULL && fclose(file->stream) != 0 && code == 0) {
        code = errno;
    }
    file->stream = NULL;
    return code;
}

int whole_file_keep(struct whole_file *file, struct err *err)
{
    int code = close_stream(file);
    if (code == 0 && file->temporary != NULL && rename(file->temporary, file->path) != 0) {
        code = errno;
    }
    if (code != 0 && file->path == NULL) {
        (void)err_set_errno(err, code, "cannot write the output");
    } else if (code != 0) {
        (void)err_set_errno(err, code, "cannot write '%s'", file->path);
    } else {
        free(file->temporary);
        file->temporary = NULL;
    }
    whole_file_discard(file);
    return -code;
}

void whole_file_discard(struct whole_file *file)
{
    if (file->stream != NULL) {
        (void)close_stream(file);
    }
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    free(file->temporary);
    free(file->path);
    *file = (struct whole_file){0};
}
