/*
 * frame_object.h - writes the shared object of `run --frame-symbol` (schema/frame_symbols.h): an
 * ELF file with a stub for each function named, and one for dlsym.
 *
 * Preloaded before the library, it comes first where the loader looks a function up, in whatever
 * module the call is. x86-64 only. Single thread.
 */
#ifndef ALLOCAUDIT_FRAME_OBJECT_H
#define ALLOCAUDIT_FRAME_OBJECT_H

#include <stddef.h>

#include "../base/err.h"
#include "../base/str.h"

/* Appends the bytes of the object to *image. Returns 0, -ENOMEM, or -EINVAL where there are no
 * symbols or more than FRAME_SYMBOLS_MAX. */
int frame_object_make(const char *const *symbols, size_t count, struct str *image);

/*
 * Writes it to `directory`/FRAME_OBJECT_FILE and makes sure that code can be run from there.
 * Returns 0, or a negative errno with a line in *err; -EPERM: the file system allows no code.
 */
int frame_object_write(const char *directory, const char *const *symbols, size_t count,
                       struct err *err);

#endif
