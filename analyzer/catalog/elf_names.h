/*
 * elf_names.h - the functions that a program and its libraries give and take by name, read from the
 * files. Libraries that are only loaded later are not known here.
 */
#ifndef ALLOCAUDIT_ELF_NAMES_H
#define ALLOCAUDIT_ELF_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed is a valid empty one; elf_names_fini() frees it. */
struct elf_names {
    char **items; /* functions that are defined; NULL-ended once there is one */
    size_t count;
    size_t capacity;
};

/* What the files say about one function. */
struct elf_name_answer {
    bool is_in_program; /* defined by the program itself */
    bool is_in_library; /* defined by a library that it needs, or that those need */
    bool is_complete;   /* every library was found */
};

/* Asks about the function for the program in that file. If `names` is not NULL, all functions that
 * are defined go there. Returns 0 or -ENOMEM; what cannot be read has no functions. */
int elf_names_ask(const char *program, const char *function, struct elf_name_answer *out_answer,
                  struct elf_names *names);

/* True if the file defines that function, or takes it from elsewhere. */
bool elf_names_gives(const char *path, const char *function);
bool elf_names_takes(const char *path, const char *function);

void elf_names_fini(struct elf_names *names);

#endif
