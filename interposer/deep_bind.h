/*
 * deep_bind.h - modules opened with RTLD_DEEPBIND, which look into their own libraries before they
 * come to us: their malloc would be the C library's, while others free their blocks through us.
 *
 * Such a module is opened as it asks to be, and then only its references to hooks are led to us.
 * Its constructors have run by then: what those allocate by malloc itself is not seen.
 */
#ifndef ALLOCAUDIT_DEEP_BIND_H
#define ALLOCAUDIT_DEEP_BIND_H

#include <stdbool.h>

/* True if deep_bind_open() can stand in for the program's own call, though the loader looks at
 * its caller (which has search paths) then. */
bool deep_bind_can_open(const char *path, const void *caller);

/* dlopen() with a mode that holds RTLD_DEEPBIND. */
void *deep_bind_open(const char *path, int mode);

#endif
