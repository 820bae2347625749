/*
 * program_file.h - what a file is that is about to be executed: may a library be preloaded into it?
 *
 * Asked by the recorder of the command, and by the library of what the program starts. Pure; what
 * is looked at was read from the file by the caller, and is not believed.
 */
#ifndef ALLOCAUDIT_PROGRAM_FILE_H
#define ALLOCAUDIT_PROGRAM_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#if defined(__x86_64__)
#    define PROGRAM_OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#    define PROGRAM_OWN_MACHINE EM_AARCH64
#endif

enum {
    PROGRAM_INTERPRETERS_MAX = 4, /* as the kernel: a script may name a script */
    PROGRAM_HEAD_BYTES = 256,
    PROGRAM_SEGMENTS_MAX = 256,
};

/* The first bytes of a file. */
union program_head {
    Elf64_Ehdr elf;
    char text[PROGRAM_HEAD_BYTES];
};

static inline bool program_is_elf(const union program_head *head, size_t count)
{
    return count >= sizeof(head->elf) && memcmp(head->text, ELFMAG, SELFMAG) == 0;
}

static inline bool program_is_foreign(const Elf64_Ehdr *header)
{
    return header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != PROGRAM_OWN_MACHINE;
}

/* Reads like pread(). */
typedef long program_reader(int fd, void *buffer, size_t bytes, uint64_t at);

/* False: it is statically linked, so no loader preloads anything. */
static inline bool program_has_loader(const Elf64_Ehdr *header, program_reader *read_at, int fd)
{
    for (unsigned i = 0; i < header->e_phnum && i < PROGRAM_SEGMENTS_MAX; i++) {
        Elf64_Phdr segment;
        uint64_t at = header->e_phoff + i * sizeof(segment);
        if (read_at(fd, &segment, sizeof(segment), at) == (long)sizeof(segment) &&
            segment.p_type == PT_INTERP) {
            return true;
        }
    }
    return false;
}

/* The loader itself has no loader, and preloads into the program that it is called with. */
static inline bool program_is_loader(const char *path)
{
    const char *name = strrchr(path, '/');
    name = name != NULL ? name + 1 : path;
    return strncmp(name, "ld-", 3) == 0 || strncmp(name, "ld.so", 5) == 0;
}

/* The interpreter after #!, into `path` (PROGRAM_HEAD_BYTES). False if there is none. */
static inline bool program_read_interpreter(const union program_head *head, size_t count,
                                            char *path)
{
    size_t start = 2;
    if (count < start || memcmp(head->text, "#!", start) != 0) {
        return false;
    }
    while (start < count && (head->text[start] == ' ' || head->text[start] == '\t')) {
        start++;
    }
    size_t end = start;
    while (end < count && head->text[end] != '\0' && strchr(" \t\n", head->text[end]) == NULL) {
        end++;
    }
    memcpy(path, head->text + start, end - start);
    path[end - start] = '\0';
    return end > start;
}

static inline bool program_changes_user(const struct stat *status, uid_t user)
{
    return (status->st_mode & S_ISUID) != 0 && status->st_uid != user;
}

static inline bool program_changes_group(const struct stat *status, gid_t group)
{
    return (status->st_mode & S_ISGID) != 0 && (status->st_mode & S_IXGRP) != 0 &&
           status->st_gid != group;
}

#endif
