#include "preload.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef ALLOCAUDIT_LIBDIR
#    define ALLOCAUDIT_LIBDIR "/usr/local/lib/allocaudit"
#endif

int preload_check_path(const char *path, struct err *err)
{
    if (strpbrk(path, " :") != NULL) {
        return err_set(err, EINVAL, "cannot preload '%s': its path holds a blank or a colon", path);
    }
    return 0;
}

int preload_find_file(const char *file, char *path, size_t size_bytes, struct err *err)
{
    static const char *const places[] = {"", "../lib/allocaudit/", "../lib/"};
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(program, '/');
    for (size_t i = 0; slash != NULL && i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, size_bytes, "%.*s/%s%s", (int)(slash - program), program, places[i], file);
        if (access(path, R_OK) == 0) {
            return 0;
        }
    }
    snprintf(path, size_bytes, "%s/%s", ALLOCAUDIT_LIBDIR, file);
    if (access(path, R_OK) == 0) {
        return 0;
    }
    return err_set(err, ENOENT, "cannot find %s beside '%s' nor in '%s'", file, program,
                   ALLOCAUDIT_LIBDIR);
}

int preload_find_library(char *path, size_t size_bytes, struct err *err)
{
    int r = preload_find_file("liballocaudit.so", path, size_bytes, err);
    return r < 0 ? r : preload_check_path(path, err);
}
