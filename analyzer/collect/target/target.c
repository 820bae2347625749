#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../../schema/program_file.h"

static bool target_is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Like execvp: the first executable file wins; one that may not be executed is remembered. */
static int target_find(const char *command, char *path, size_t size_bytes, struct err *err)
{
    bool is_denied = false;
    const char *list = getenv("PATH");
    list = list != NULL ? list : "/bin:/usr/bin";
    if (strchr(command, '/') != NULL) {
        snprintf(path, size_bytes, "%s", command);
        if (target_is_program(path)) {
            return 0;
        }
        is_denied = access(path, F_OK) == 0;
        int code = is_denied ? EACCES : errno;
        return err_set_errno(err, code == EACCES ? EACCES : ENOENT, "cannot run '%s'", command);
    }
    while (command[0] != '\0' && *list != '\0') {
        size_t length = strcspn(list, ":");
        snprintf(path, size_bytes, "%.*s/%s", (int)length, length != 0 ? list : ".", command);
        if (target_is_program(path)) {
            return 0;
        }
        struct stat status;
        is_denied |= stat(path, &status) == 0 && S_ISREG(status.st_mode);
        list += length + (list[length] == ':');
    }
    if (is_denied) {
        return err_set_errno(err, EACCES, "cannot run '%s'", command);
    }
    return err_set(err, ENOENT, "cannot run '%s': command not found", command);
}

static int target_check_rights(const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return err_set_errno(err, errno, "cannot run '%s'", path);
    }
    bool changes_user = program_changes_user(&status, getuid());
    bool changes_group = program_changes_group(&status, getgid());
    bool has_capabilities = getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
    if (changes_user || changes_group || has_capabilities) {
        return err_set(
            err, ENOEXEC,
            "cannot preload into '%s': it is %s, and the loader preloads nothing into such "
            "programs; run it as its owner, or a copy without that right",
            path,
            changes_user    ? "set-user-id"
            : changes_group ? "set-group-id"
                            : "given file capabilities");
    }
    return 0;
}

static long target_read_at(int fd, void *buffer, size_t bytes, uint64_t at)
{
    return pread(fd, buffer, bytes, (off_t)at);
}

static int target_check_elf(int fd, struct target *target, const Elf64_Ehdr *header,
                            struct err *err)
{
    const char *path = target->path;
    if (program_is_foreign(header)) {
        return err_set(
            err, ENOEXEC,
            "cannot preload into '%s': it is built for %s, this allocaudit for 64-bit %s", path,
            header->e_ident[EI_CLASS] == ELFCLASS32 ? "a 32-bit processor" : "another processor",
            PROGRAM_OWN_MACHINE == EM_X86_64 ? "x86" : "ARM");
    }
    target->is_go = go_binary_read(path, &target->go, NULL) == 0;
    if (target->is_go || program_has_loader(header, target_read_at, fd)) {
        return 0;
    }
    return err_set(err, ENOEXEC,
                   "cannot preload into '%s': it is statically linked; link it dynamically", path);
}

int target_check(const char *command, struct target *out_target, struct err *err)
{
    char *path = out_target->path;
    out_target->is_go = false;
    out_target->is_unreadable = false;
    int r = target_find(command, path, PATH_MAX, err);
    for (int depth = 0; r == 0 && depth < PROGRAM_INTERPRETERS_MAX; depth++) {
        union program_head head = {0};
        r = target_check_rights(path, err);
        int fd = r == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        out_target->is_unreadable = r == 0 && fd < 0 && errno == EACCES;
        ssize_t read_bytes = fd >= 0 ? read(fd, &head, sizeof(head)) : 0;
        size_t count = read_bytes > 0 ? (size_t)read_bytes : 0;
        if (program_is_elf(&head, count)) {
            r = target_check_elf(fd, out_target, &head.elf, err);
        }
        if (fd >= 0) {
            close(fd);
        }
        if (!program_read_interpreter(&head, count, path)) {
            break;
        }
    }
    return r;
}
