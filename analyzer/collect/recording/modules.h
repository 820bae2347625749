/*
 * modules.h - the files that code came from, each once for all processes of a run.
 */
#ifndef ALLOCAUDIT_MODULES_H
#define ALLOCAUDIT_MODULES_H

#include <stddef.h>
#include <stdint.h>

struct module_file {
    char *path;
    char *build_id; /* hex; "" if it has none */
    int held_fd;    /* -1: modules_hold() was not called, or could not hold it */
};

enum {
    MODULES_HELD_MOST = 128,
    MODULE_NAME_BYTES = 32, /* of a held file */
};

struct modules {
    struct module_file *files;
    size_t count;
    size_t capacity;
    uint32_t held_count;
};

/* Adds it unless the same path and build id are there. *out_module is index + 1. 0 or -ENOMEM. */
int modules_intern(struct modules *modules, const char *path, size_t path_bytes,
                   const unsigned char *build_id, size_t build_id_bytes, uint32_t *out_module);

/*
 * Keeps hold of a module's file, as long as there are descriptors to spare: functions are named
 * when the run has ended, and by then it may have been built anew or removed.
 */
void modules_hold(struct modules *modules, uint32_t module);

/* A path that leads to the file as it was when it was met: its own, or one by the held descriptor.
 * `name` is room for the latter. */
const char *modules_path(const struct module_file *file, char name[MODULE_NAME_BYTES]);

void modules_fini(struct modules *modules);

#endif
