/*
 * elf_malloc.h - who brings malloc: a library that is to be preloaded, or the program itself.
 *
 * Answers come from the files alone; nothing is loaded or run.
 */
#ifndef ALLOCAUDIT_ELF_MALLOC_H
#define ALLOCAUDIT_ELF_MALLOC_H

#include <stdbool.h>

#include "../base/err.h"

/* What a program brings of its own that a preloaded allocator does not replace. */
struct elf_malloc {
    bool is_own;       /* it defines malloc: whatever is preloaded comes after it */
    char function[32]; /* of an allocator linked in beside malloc, such as je_malloc; "": none */
    char library[64];  /* an allocator's that it is linked with: malloc unless another is preloaded;
                          "": none */
    char linked[16];   /* the allocator itself where it is linked in and the file has no names to
                          tell of functions, such as jemalloc; "": none */
    char called[32];   /* a function of an allocator's library that it calls beside malloc, such as
                          mi_malloc; "": none */
    char sanitizer[64]; /* the library of a sanitizer that it is linked with, such as libasan.so.8:
                           it wants to be loaded before any other; "": none */
};

/* Can the file be preloaded as an allocator? Returns 0; or with a line in *err a negative errno of
 * opening it, or -ENOEXEC (no library for this processor, or one without malloc). */
int elf_malloc_check_library(const char *path, struct err *err);

/* Looks at the program in that file. What cannot be read brings nothing. */
void elf_malloc_look(const char *path, struct elf_malloc *out_malloc);

#endif
