#include "loaded_modules.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/str.h"
#include "../base/vec.h"
#include "../elf/debug_file.h"

/* Unless the file is there already, by whatever name. */
static int add_path(struct loaded_modules *modules, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return 0;
    }
    for (size_t i = 0; i < modules->count; i++) {
        if (modules->items[i].device == status.st_dev && modules->items[i].inode == status.st_ino) {
            return 0;
        }
    }
    int r = vec_reserve((void **)&modules->items, &modules->capacity, modules->count + 1,
                        sizeof(*modules->items));
    char *copy = r == 0 ? strdup(path) : NULL;
    if (copy == NULL) {
        return -ENOMEM;
    }
    modules->items[modules->count++] = (struct loaded_module){
        .path = copy,
        .device = status.st_dev,
        .inode = status.st_ino,
    };
    return 0;
}

/* The loader that the program names. False: it is a library, and names none. */
static bool read_loader(const char *path, char loader[PATH_MAX])
{
    struct debug_file file;
    size_t count = 0;
    bool is_program = false;
    if (debug_file_open(path, NULL, &file) < 0 || elf_getphdrnum(file.elf, &count) != 0) {
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        size_t size_bytes = 0;
        const char *bytes = elf_rawfile(file.elf, &size_bytes);
        if (gelf_getphdr(file.elf, (int)i, &segment) != NULL && segment.p_type == PT_INTERP &&
            segment.p_filesz < PATH_MAX && segment.p_offset <= size_bytes &&
            segment.p_filesz <= size_bytes - segment.p_offset && bytes != NULL) {
            memcpy(loader, bytes + segment.p_offset, segment.p_filesz);
            loader[segment.p_filesz] = '\0';
            is_program = true;
        }
    }
    debug_file_close(&file);
    return is_program;
}

/* "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)", "\t/lib64/ld.so (0x...)", or a
 * library without a file. */
static int add_line(struct loaded_modules *modules, char *line)
{
    char *end = strstr(line, " (0x");
    char *path = strstr(line, " => ");
    path = path != NULL ? path + strlen(" => ") : line + strspn(line, " \t");
    if (end == NULL || end < path || path[0] != '/') {
        return 0;
    }
    *end = '\0';
    return add_path(modules, path);
}

static int ask_loader(struct loaded_modules *modules, const char *path)
{
    struct str command = {0};
    FILE *output = NULL;
    int r = str_append_quoted(&command, modules->loader);
    r = r == 0 ? str_append(&command, " --list ") : r;
    r = r == 0 ? str_append_quoted(&command, path) : r;
    r = r == 0 ? str_append(&command, " 2>/dev/null </dev/null") : r;
    if (r == 0) {
        output = popen(str_text(&command), "re");
    }
    char *line = NULL;
    size_t capacity = 0;
    while (r == 0 && output != NULL && getline(&line, &capacity, output) >= 0) {
        r = add_line(modules, line);
    }
    free(line);
    if (output != NULL) {
        pclose(output);
    }
    str_fini(&command);
    return r;
}

int loaded_modules_add(struct loaded_modules *modules, const char *path, struct err *err)
{
    char whole[PATH_MAX];
    if (realpath(path, whole) == NULL) {
        return err_set_errno(err, errno, "cannot read '%s'", path);
    }
    /* The kernel tells a program's whole path, the loader the one by which it found a library. */
    int r = add_path(modules, read_loader(whole, modules->loader) ? whole : path);
    if (r == 0 && modules->loader[0] != '\0') {
        r = ask_loader(modules, whole);
    }
    return r == 0 ? 0 : err_set_errno(err, -r, "cannot read '%s'", path);
}

void loaded_modules_fini(struct loaded_modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        free(modules->items[i].path);
    }
    free(modules->items);
    *modules = (struct loaded_modules){0};
}
