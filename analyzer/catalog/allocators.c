#include "allocators.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/suggest.h"

#define FILES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static const struct allocator table[] = {
    {"glibc", ALLOCATOR_GLIBC, NULL, NULL},
    {"jemalloc", ALLOCATOR_JEMALLOC, FILES("libjemalloc.so.2"), "libjemalloc2"},
    {"tcmalloc", ALLOCATOR_TCMALLOC, FILES("libtcmalloc_minimal.so.4", "libtcmalloc.so.4"),
     "libtcmalloc-minimal4"},
    {"mimalloc", ALLOCATOR_MIMALLOC, FILES("libmimalloc.so.2", "libmimalloc.so.2.0"),
     "libmimalloc2.0"},
    {"pool", ALLOCATOR_POLICY, NULL, NULL},
    {"frame", ALLOCATOR_POLICY, NULL, NULL},
    {"buddy", ALLOCATOR_POLICY, NULL, NULL},
    {"slab", ALLOCATOR_POLICY, NULL, NULL},
};

enum {
    TABLE_COUNT = sizeof(table) / sizeof(table[0]),
};

const struct allocator *allocators_find(const char *name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

const char *allocators_suggest(const char *name)
{
    const char *names[TABLE_COUNT + 1] = {NULL};
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        names[i] = table[i].name;
    }
    return suggest_nearest(name, names);
}

void allocators_list(char *out_text, size_t size_bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < TABLE_COUNT && used < size_bytes; i++) {
        int length =
            snprintf(out_text + used, size_bytes - used, "%s%s", i > 0 ? ", " : "", table[i].name);
        used += length > 0 ? (size_t)length : 0;
    }
}

int allocators_locate(const struct allocator *allocator, char *out_path, size_t size_bytes,
                      struct err *err)
{
    static const char *const folders[] = {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
                                          "/usr/local/lib", "/usr/lib64", "/usr/lib"};
    out_path[0] = '\0';
    if (allocator->libraries == NULL) {
        return 0;
    }
    for (const char *const *file = allocator->libraries; *file != NULL; file++) {
        for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
            (void)snprintf(out_path, size_bytes, "%s/%s", folders[i], *file);
            if (access(out_path, R_OK) == 0) {
                return 0;
            }
        }
    }
    out_path[0] = '\0';
    return err_set(err, ENOENT, "cannot find %s: install the package %s", allocator->libraries[0],
                   allocator->package);
}
