#include "allocators.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/suggest.h"
#include "elf_malloc.h"
#include "launch.h"
#include "library_folders.h"

enum {
    LIBRARIES_MAX = 4,
};

struct known {
    const char *name;
    enum allocator_kind kind;
    const char *package;                      /* as Debian calls it */
    const char *libraries[LIBRARIES_MAX + 1]; /* what it may be installed as, best first */
};

static const struct known known[] = {
    {.name = "glibc", .kind = ALLOCATOR_OF_SYSTEM},
    {"jemalloc", ALLOCATOR_LIBRARY, "libjemalloc2", {"libjemalloc.so.2", "libjemalloc.so.1"}},
    {"tcmalloc",
     ALLOCATOR_LIBRARY,
     "libtcmalloc-minimal4",
     {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"}},
    {"mimalloc",
     ALLOCATOR_LIBRARY,
     "libmimalloc2.0",
     {"libmimalloc.so.2", "libmimalloc.so.2.0", "libmimalloc.so.3"}},
    {.name = "pool", .kind = ALLOCATOR_POLICY},
    {.name = "frame", .kind = ALLOCATOR_POLICY},
    {.name = "buddy", .kind = ALLOCATOR_POLICY},
    {.name = "slab", .kind = ALLOCATOR_POLICY},
};

enum {
    KNOWN_COUNT = sizeof(known) / sizeof(known[0]),
};

static bool is_allocator(const char *path)
{
    return elf_malloc_check_library(path, NULL) == 0;
}

static int find_library(const struct known *wanted, struct allocator *allocator, struct err *err)
{
    struct library_folders folders = {0};
    bool is_found = false;
    int r = library_folders_read(&folders, LIBRARY_FOLDERS_CONF);
    for (size_t i = 0; r == 0 && !is_found && wanted->libraries[i] != NULL; i++) {
        is_found = library_folders_find(&folders, wanted->libraries[i], is_allocator,
                                        allocator->path, sizeof(allocator->path));
    }
    library_folders_fini(&folders);
    if (r < 0) {
        return err_set(err, ENOMEM, "out of memory");
    }
    return is_found ? 0
                    : err_set(err, ENOPKG, "cannot find %s: install the package %s",
                              wanted->libraries[0], wanted->package);
}

/* From the root, since the program may change its folder. */
static int find_path(const char *name, struct allocator *allocator, struct err *err)
{
    char folder[PATH_MAX] = "";
    if (name[0] != '/' && getcwd(folder, sizeof(folder)) == NULL) {
        return err_set_errno(err, errno, "cannot preload '%s'", name);
    }
    const int length = snprintf(allocator->path, sizeof(allocator->path), "%s%s%s", folder,
                                name[0] != '/' ? "/" : "", name);
    if (length >= (int)sizeof(allocator->path)) {
        return err_set_errno(err, ENAMETOOLONG, "cannot preload '%s'", name);
    }
    int r = launch_check_path(allocator->path, err);
    return r < 0 ? r : elf_malloc_check_library(allocator->path, err);
}

static int refuse_unknown(const char *name, struct err *err)
{
    const char *names[KNOWN_COUNT + 1] = {NULL};
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        names[i] = known[i].name;
    }
    const char *nearest = suggest_nearest(name, names);
    if (nearest != NULL) {
        return err_set(err, EINVAL, "unknown allocator '%s': did you mean '%s'?", name, nearest);
    }
    return err_set(err, EINVAL,
                   "unknown allocator '%s': use glibc, jemalloc, tcmalloc, mimalloc or the path of "
                   "a library, as in ./libmine.so",
                   name);
}

int allocators_find(const char *name, struct allocator *out_allocator, struct err *err)
{
    *out_allocator = (struct allocator){.kind = ALLOCATOR_LIBRARY};
    if (strchr(name, '/') != NULL) {
        return find_path(name, out_allocator, err);
    }
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(name, known[i].name) != 0) {
            continue;
        }
        out_allocator->kind = known[i].kind;
        if (known[i].kind == ALLOCATOR_POLICY) {
            out_allocator->policy = known[i].name;
            return launch_find_library(out_allocator->path, sizeof(out_allocator->path), err);
        }
        return known[i].kind == ALLOCATOR_OF_SYSTEM ? 0
                                                    : find_library(&known[i], out_allocator, err);
    }
    return refuse_unknown(name, err);
}
