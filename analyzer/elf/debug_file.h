/*
 * debug_file.h - an ELF file that symbols are read from: a module, or the separate file that holds
 * its debug information, found by build id (ROOT/.build-id/xx/yyyy.debug) or by .gnu_debuglink.
 *
 * Nothing is fetched over the network. Single thread.
 */
#ifndef ALLOCAUDIT_DEBUG_FILE_H
#define ALLOCAUDIT_DEBUG_FILE_H

#include <libelf.h>
#include <limits.h>
#include <stdbool.h>

struct debug_file {
    int fd;
    Elf *elf; /* NULL: not open */
    char path[PATH_MAX];
};

/*
 * Opens the ELF file at `path`. Returns 0, and *out_file is to be closed with debug_file_close();
 * -ESTALE where its build id is not build_id (hex; NULL: any), -ENOEXEC where it is no ELF file, or
 * the negative errno of open. *out_file is closed after a failure.
 */
int debug_file_open(const char *path, const char *build_id, struct debug_file *out_file);

/*
 * Finds the separate debug file of a module. `module` may be closed where build_id is known.
 * Returns 0 or -ENOENT.
 */
int debug_file_find(const struct debug_file *module, const char *build_id,
                    struct debug_file *out_file);

/* Whether the file holds the bytes of a section called `name`. */
bool debug_file_has_section(const struct debug_file *file, const char *name);

/* All zeros, or closed before, is fine. */
void debug_file_close(struct debug_file *file);

/* Where separate files are looked for; NULL: /usr/lib/debug. Kept, not copied. For tests. */
void debug_file_set_root(const char *root);

#endif
