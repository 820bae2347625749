/*
 * library_folders.h - where the loader looks for shared libraries, so that one can be named by its
 * whole path without being loaded.
 */
#ifndef ALLOCAUDIT_LIBRARY_FOLDERS_H
#define ALLOCAUDIT_LIBRARY_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#define LIBRARY_FOLDERS_CONF "/etc/ld.so.conf"

/* Zeroed is a valid empty one; library_folders_fini() frees it. */
struct library_folders {
    char **items;
    size_t count;
    size_t capacity;
};

/*
 * Adds the folders in the order in which they are searched: those of LD_LIBRARY_PATH, those that
 * the file `conf` (LIBRARY_FOLDERS_CONF) and what it includes name, and those that are built in.
 * What cannot be read is left out. Returns 0 or -ENOMEM.
 */
int library_folders_read(struct library_folders *folders, const char *conf);

/* The first of the folders with a file of that name that `is_wanted`; its path goes to `path`. */
bool library_folders_find(const struct library_folders *folders, const char *file,
                          bool (*is_wanted)(const char *path), char *path, size_t size_bytes);

void library_folders_fini(struct library_folders *folders);

#endif
