#include "allocators.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/suggest.h"
#include "elf_malloc.h"
#include "library_folders.h"
#include "policy_option.h"
#include "preload.h"

enum {
    LIBRARIES_MAX = 4,
};

struct known {
    const char *name;
    enum allocator_kind kind;
    const char *package;                      /* as Debian calls it */
    const char *libraries[LIBRARIES_MAX + 1]; /* what it may be installed as, best first */
};

/* Besides the policies, which interposer/policy/ lists. */
static const struct known known[] = {
    {.name = "glibc", .kind = ALLOCATOR_GLIBC},
    {"jemalloc", ALLOCATOR_JEMALLOC, "libjemalloc2", {"libjemalloc.so.2", "libjemalloc.so.1"}},
    {"tcmalloc",
     ALLOCATOR_TCMALLOC,
     "libtcmalloc-minimal4",
     {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4"}},
    {"mimalloc",
     ALLOCATOR_MIMALLOC,
     "libmimalloc2.0",
     {"libmimalloc.so.2", "libmimalloc.so.2.0", "libmimalloc.so.3"}},
};

enum {
    KNOWN_COUNT = sizeof(known) / sizeof(known[0]),
    NAME_COUNT = KNOWN_COUNT + (int)POLICY_KIND_COUNT,
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
    int r = preload_check_path(allocator->path, err);
    return r < 0 ? r : elf_malloc_check_library(allocator->path, err);
}

/* Does the text begin with the name of a policy, alone or with settings behind ':'? */
static bool is_policy(const char *text, size_t length)
{
    for (unsigned i = 0; i < POLICY_KIND_COUNT; i++) {
        const char *kind = policy_kind_name(i);
        if (strlen(kind) == length && memcmp(kind, text, length) == 0) {
            return true;
        }
    }
    return false;
}

static int find_policy(const char *name, struct allocator *allocator, struct err *err)
{
    struct policy_settings settings;
    int r = policy_option_parse(name, &settings, err);
    if (r < 0) {
        return r;
    }
    const int length = snprintf(allocator->policy, sizeof(allocator->policy), "%s", name);
    if (length >= (int)sizeof(allocator->policy)) {
        return err_set(err, EINVAL, "policy '%s': too long", name);
    }
    allocator->kind = ALLOCATOR_POLICY;
    return preload_find_library(allocator->path, sizeof(allocator->path), err);
}

static int refuse_unknown(const char *name, struct err *err)
{
    const char *names[NAME_COUNT + 1] = {NULL};
    char all[256] = "";
    for (size_t i = 0; i < NAME_COUNT; i++) {
        names[i] = i < KNOWN_COUNT ? known[i].name : policy_kind_name((unsigned)(i - KNOWN_COUNT));
        const size_t used = strlen(all);
        snprintf(all + used, sizeof(all) - used, "%s, ", names[i]);
    }
    const char *nearest = suggest_nearest(name, names);
    if (nearest != NULL) {
        return err_set(err, EINVAL, "unknown allocator '%s': did you mean '%s'?", name, nearest);
    }
    return err_set(err, EINVAL,
                   "unknown allocator '%s': use %sor the path of a library, as in ./libmine.so",
                   name, all);
}

int allocators_find(const char *name, struct allocator *out_allocator, struct err *err)
{
    *out_allocator = (struct allocator){.kind = ALLOCATOR_FILE};
    if (strchr(name, '/') != NULL) {
        return find_path(name, out_allocator, err);
    }
    if (is_policy(name, strcspn(name, ":"))) {
        return find_policy(name, out_allocator, err);
    }
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(name, known[i].name) == 0) {
            out_allocator->kind = known[i].kind;
            return known[i].kind == ALLOCATOR_GLIBC ? 0
                                                    : find_library(&known[i], out_allocator, err);
        }
    }
    return refuse_unknown(name, err);
}

size_t allocators_name_length(const char *list)
{
    const size_t head = strcspn(list, ":,");
    size_t length = strcspn(list, ",");
    if (list[head] != ':' || !is_policy(list, head)) {
        return length;
    }
    while (list[length] == ',') {
        const char *next = list + length + 1;
        if (next[strcspn(next, "=/,:@")] != '=') {
            break;
        }
        length += 1 + strcspn(next, ",");
    }
    return length;
}
