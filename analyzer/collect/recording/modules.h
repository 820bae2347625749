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
};

struct modules {
    struct module_file *files;
    size_t count;
    size_t capacity;
};

/* Adds it unless the same path and build id are there. *out_module is index + 1. 0 or -ENOMEM. */
int modules_intern(struct modules *modules, const char *path, size_t path_bytes,
                   const unsigned char *build_id, size_t build_id_bytes, uint32_t *out_module);

void modules_fini(struct modules *modules);

#endif
