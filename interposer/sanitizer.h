/*
 * sanitizer.h - programs whose malloc is a sanitizer's, linked in (clang -fsanitize=address).
 *
 * There our hooks are never called. The runtime calls whom it is told to after each allocation and
 * before each free, with the requested size; by which function is not known, so all are `malloc`
 * and `free`. Where the runtime is a library (gcc), it lies beneath our hooks like any allocator.
 */
#ifndef ALLOCAUDIT_SANITIZER_H
#define ALLOCAUDIT_SANITIZER_H

#include <stdbool.h>

/* Has it call us. Once, from the library's constructor, before the process announces itself. */
void sanitizer_begin(void);

/* True if the runtime tells us of its calls. */
bool sanitizer_is_heard(void);

#endif
