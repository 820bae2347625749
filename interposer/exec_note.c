#include "exec_note.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../schema/program_file.h"
#include "../schema/ring.h"
#include "environment.h"
#include "process.h"
#include "sys.h"
#include "ticks.h"

#include "banned.h"

#define LIBRARY_NAME "liballocaudit.so"

enum {
    EXEC_DESCRIPTOR_BYTES = 32, /* "/proc/self/fd/2147483647" */
};

/* ---- looking -----------------------------------------------------------------------------------
 */

/* Does it hold NAME=...WORD...? */
static bool exec_has_variable(char *const envp[], const char *name, const char *word)
{
    size_t name_bytes = strlen(name);
    for (; envp != NULL && *envp != NULL; envp++) {
        if (strncmp(*envp, name, name_bytes) == 0 && (*envp)[name_bytes] == '=') {
            return strstr(*envp + name_bytes + 1, word) != NULL;
        }
    }
    return false;
}

static bool exec_gains_rights(const char *path, const struct stat *status, int fd)
{
    uid_t user = getuid();
    return (program_changes_user(status, user) || program_changes_group(status, getgid()) ||
            (user != 0 && sys_has_capabilities(path))) &&
           sys_may_gain_rights(fd);
}

/* True: the file is what will run, and *look says what it is. False: it is a script, whose
 * interpreter is in look->path now. */
static bool exec_look_into(struct exec_look *look, int fd, char *const envp[])
{
    union program_head head = {0};
    long read_bytes = sys_read_at(fd, &head, sizeof(head), 0);
    size_t count = read_bytes > 0 ? (size_t)read_bytes : 0;
    if (program_read_interpreter(&head, count, look->path)) {
        return false;
    }
    if (!program_is_elf(&head, count)) {
        return true;
    }
    look->is_unrecordable = true;
    if (program_is_foreign(&head.elf)) {
        look->reason = UNRECORDED_MACHINE;
    } else if (!program_has_loader(&head.elf, sys_read_at, fd) && !program_is_loader(look->path)) {
        look->reason = UNRECORDED_STATIC;
    } else if (!exec_has_variable(envp, "LD_PRELOAD", LIBRARY_NAME) ||
               !exec_has_variable(envp, RING_ENV, "/")) {
        look->reason = UNRECORDED_PRELOAD;
    } else {
        look->is_unrecordable = false;
    }
    return true;
}

/* "/proc/self/fd/7" */
static void exec_name_descriptor(char name[EXEC_DESCRIPTOR_BYTES], unsigned fd)
{
    char digits[12];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + fd % 10);
        fd /= 10;
    } while (fd != 0);
    memcpy(name, "/proc/self/fd/", 14);
    for (size_t i = 0; i < count; i++) {
        name[14 + i] = digits[count - 1 - i];
    }
    name[14 + count] = '\0';
}

/* The absolute path of what is open; if it cannot be known, the path stays as it is. */
static void exec_resolve(struct exec_look *look, int fd)
{
    char name[EXEC_DESCRIPTOR_BYTES];
    char path[EXEC_PATH_BYTES];
    exec_name_descriptor(name, (unsigned)fd);
    long bytes = sys_readlink(name, path, sizeof(path) - 1);
    if (bytes > 0) {
        memcpy(look->path, path, (size_t)bytes);
        look->path[bytes] = '\0';
    }
}

/* One file; true if it is no script. */
static bool exec_look_once(struct exec_look *look, char *const envp[])
{
    struct stat status;
    bool is_end = true;
    if (sys_status(look->path, &status) < 0 || !S_ISREG(status.st_mode)) {
        return true;
    }
    long fd = sys_open(look->path, O_PATH);
    if (fd < 0) {
        return true;
    }
    if (exec_gains_rights(look->path, &status, (int)fd)) {
        look->is_unrecordable = true;
        look->reason = UNRECORDED_RIGHTS;
    } else {
        long readable = sys_open(look->path, O_RDONLY);
        is_end = readable < 0 || exec_look_into(look, (int)readable, envp);
        if (readable >= 0) {
            sys_close((int)readable);
        }
    }
    if (look->is_unrecordable) {
        exec_resolve(look, (int)fd);
    }
    sys_close((int)fd);
    return is_end;
}

/* Nothing is to be looked at where nobody wants to know. */
static bool exec_begin_look(struct exec_look *look)
{
    uint32_t key;
    look->is_unrecordable = false;
    return process_ring_of_images(&key) != NULL;
}

static void exec_look_through(struct exec_look *look, char *const envp[])
{
    for (int depth = 0; depth <= PROGRAM_INTERPRETERS_MAX; depth++) {
        if (exec_look_once(look, envp)) {
            return;
        }
    }
}

void exec_look_at(struct exec_look *look, int folder, const char *path, char *const envp[])
{
    size_t bytes = path != NULL ? strlen(path) : EXEC_PATH_BYTES;
    size_t used = 0;
    if (!exec_begin_look(look) || bytes >= EXEC_PATH_BYTES - EXEC_DESCRIPTOR_BYTES) {
        return;
    }
    if (folder != AT_FDCWD && path[0] != '/') {
        exec_name_descriptor(look->path, (unsigned)folder);
        used = strlen(look->path);
        look->path[used] = '/';
        used += bytes > 0;
    }
    memcpy(look->path + used, path, bytes + 1);
    exec_look_through(look, envp);
}

/* Where execvp() finds `name`, into `path`. False: nowhere. */
static bool exec_find(const char *name, size_t name_bytes, char path[EXEC_PATH_BYTES])
{
    const char *list = environment_find("PATH");
    list = list != NULL ? list : "/bin:/usr/bin";
    while (*list != '\0') {
        size_t bytes = strcspn(list, ":");
        size_t folder_bytes = bytes + (bytes > 0); /* none: the present one */
        struct stat status;
        if (folder_bytes + name_bytes < EXEC_PATH_BYTES) {
            memcpy(path, list, bytes);
            path[bytes] = '/';
            memcpy(path + folder_bytes, name, name_bytes + 1);
            if (sys_status(path, &status) == 0 && S_ISREG(status.st_mode) &&
                (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0) {
                return true;
            }
        }
        list += bytes + (list[bytes] == ':');
    }
    return false;
}

void exec_look_for(struct exec_look *look, const char *name, char *const envp[])
{
    if (name == NULL || strchr(name, '/') != NULL) {
        exec_look_at(look, AT_FDCWD, name, envp);
        return;
    }
    size_t name_bytes = strlen(name);
    if (exec_begin_look(look) && name_bytes > 0 && exec_find(name, name_bytes, look->path)) {
        exec_look_through(look, envp);
    }
}

/* ---- telling -----------------------------------------------------------------------------------
 */

/* The end of a path says more than its beginning. */
static void exec_copy_path(char to[RING_UNRECORDED_PATH_BYTES], const char *path)
{
    size_t bytes = strlen(path) + 1;
    if (bytes <= RING_UNRECORDED_PATH_BYTES) {
        memcpy(to, path, bytes);
        return;
    }
    static const char dots[3] = {'.', '.', '.'};
    size_t tail_bytes = RING_UNRECORDED_PATH_BYTES - sizeof(dots);
    memcpy(to, dots, sizeof(dots));
    memcpy(to + sizeof(dots), path + bytes - tail_bytes, tail_bytes);
}

/* True: it is this program's, and counted. */
static bool exec_claim(struct ring_unrecorded *entry, const struct ring_unrecorded *wanted)
{
    uint32_t state = UNRECORDED_FREE;
    if (atomic_compare_exchange_strong(&entry->state, &state, UNRECORDED_CLAIMED)) {
        entry->reason = wanted->reason;
        entry->pid = wanted->pid;
        entry->process_key = wanted->process_key;
        entry->ticks = wanted->ticks;
        memcpy(entry->path, wanted->path, sizeof(entry->path));
        atomic_store(&entry->count, 1);
        atomic_store(&entry->state, UNRECORDED_TOLD);
        return true;
    }
    if (state != UNRECORDED_TOLD || entry->reason != wanted->reason ||
        strncmp(entry->path, wanted->path, sizeof(entry->path)) != 0) {
        return false;
    }
    if (atomic_fetch_add(&entry->count, 1) == 0) { /* that of the first had failed */
        entry->pid = wanted->pid;
    }
    return true;
}

_Atomic uint32_t *exec_note(const struct exec_look *look, uint32_t pid)
{
    struct ring_unrecorded wanted = {.reason = look->reason, .pid = pid};
    struct ring_header *ring = process_ring_of_images(&wanted.process_key);
    if (ring == NULL || !look->is_unrecordable) {
        return NULL;
    }
    wanted.ticks = ticks_now(ring->clock);
    exec_copy_path(wanted.path, look->path);
    for (size_t i = 0; i < RING_UNRECORDED_MOST; i++) {
        if (exec_claim(&ring->unrecorded[i], &wanted)) {
            return &ring->unrecorded[i].count;
        }
    }
    atomic_fetch_add(&ring->unrecorded_more, 1);
    return &ring->unrecorded_more;
}
