/*
 * name_elision.h - C++ and Rust names made short where they say least: template arguments and
 * parameters first, the innermost before the outer, then the namespaces in front.
 */
#ifndef ALLOCAUDIT_NAME_ELISION_H
#define ALLOCAUDIT_NAME_ELISION_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/str.h"

/*
 * Puts the name into *out_name (its old content goes), shortened to width_columns, or if that is
 * too little for it, the bare name of the function. Returns 1; 0 for a text that is no such name (a
 * path, brackets that do not match); or -ENOMEM.
 */
int name_elision_shorten(const char *text, size_t size_bytes, unsigned width_columns,
                         const char *ellipsis, struct str *out_name);

#endif
