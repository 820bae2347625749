/*
 * loaded_modules.h - the files that a program consists of, as the loader would find them.
 *
 * The program's own loader is asked (ld.so --list, as ldd does): it knows of RPATH, its cache and
 * what is preloaded. The program itself is not run. Single thread.
 */
#ifndef ALLOCAUDIT_LOADED_MODULES_H
#define ALLOCAUDIT_LOADED_MODULES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

struct loaded_module {
    char *path; /* as the program's own process names it */
    uint64_t device;
    uint64_t inode;
};

/* Zeroed is an empty one. */
struct loaded_modules {
    struct loaded_module *items;
    size_t count;
    size_t capacity;
    char loader[PATH_MAX]; /* of the program added last: libraries name none */
};

/*
 * Adds the program or library at `path`, then what it is linked with. What the loader does
 * not know is left out. A file that is there already is not added again. Returns 0 or a
 * negative errno (-ENOENT: there is no such file).
 */
int loaded_modules_add(struct loaded_modules *modules, const char *path, struct err *err);

void loaded_modules_fini(struct loaded_modules *modules);

#endif
