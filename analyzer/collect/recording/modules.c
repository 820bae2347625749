#include "modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../base/vec.h"

static char *modules_hex(const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(count * 2 + 1);
    if (text != NULL) {
        for (size_t i = 0; i < count; i++) {
            text[i * 2] = digits[bytes[i] >> 4];
            text[i * 2 + 1] = digits[bytes[i] & 15];
        }
        text[count * 2] = '\0';
    }
    return text;
}

int modules_intern(struct modules *modules, const char *path, size_t path_bytes,
                   const unsigned char *build_id, size_t build_id_bytes, uint32_t *out_module)
{
    struct module_file file = {
        .path = strndup(path, path_bytes),
        .build_id = modules_hex(build_id, build_id_bytes),
        .held_fd = -1,
    };
    int r = file.path == NULL || file.build_id == NULL ? -ENOMEM : 0;
    for (size_t i = 0; r == 0 && i < modules->count; i++) {
        if (strcmp(modules->files[i].path, file.path) == 0 &&
            strcmp(modules->files[i].build_id, file.build_id) == 0) {
            *out_module = (uint32_t)i + 1;
            goto out;
        }
    }
    if (r == 0) {
        r = vec_reserve((void **)&modules->files, &modules->capacity, modules->count + 1,
                        sizeof(*modules->files));
    }
    if (r == 0) {
        modules->files[modules->count++] = file;
        *out_module = (uint32_t)modules->count;
        return 0;
    }
out:
    free(file.path);
    free(file.build_id);
    return r;
}

/* Of the descriptors that we may have, a quarter. */
static bool modules_may_hold(const struct modules *modules)
{
    struct rlimit limit;
    return modules->held_count < MODULES_HELD_MOST && getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
           modules->held_count < limit.rlim_cur / 4;
}

/* O_PATH: whatever the program says is its module, opening it has no effect. */
void modules_hold(struct modules *modules, uint32_t module)
{
    struct module_file *file = &modules->files[module - 1];
    if (file->held_fd < 0 && modules_may_hold(modules)) {
        file->held_fd = open(file->path, O_PATH | O_CLOEXEC);
        modules->held_count += file->held_fd >= 0;
    }
}

const char *modules_path(const struct module_file *file, char name[MODULE_NAME_BYTES])
{
    struct stat there;
    struct stat held;
    if (file->held_fd < 0 || fstat(file->held_fd, &held) != 0 ||
        (stat(file->path, &there) == 0 && there.st_dev == held.st_dev &&
         there.st_ino == held.st_ino)) {
        return file->path;
    }
    (void)snprintf(name, MODULE_NAME_BYTES, "/proc/self/fd/%d", file->held_fd);
    return name;
}

void modules_fini(struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        if (modules->files[i].held_fd >= 0) {
            close(modules->files[i].held_fd);
        }
        free(modules->files[i].path);
        free(modules->files[i].build_id);
    }
    free(modules->files);
    *modules = (struct modules){0};
}
