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

/* True if LeakSanitizer is part of the module that holds the address. It looks when that module's
 * exit handlers run; where there are none for it, in the end. */
bool sanitizer_is_in(const void *address);

/*
 * LeakSanitizer, which looks at the very end, tells nobody what it prints. So from
 * here on, the process's end, a file of ours stands in for its stderr; what it printed is passed on
 * to stderr, and told the collector, before the runtime ends the process. Where somebody else has
 * asked to be called then, the collector passes it on. Nothing is done where the user has sent the
 * reports elsewhere (log_path).
 */
void sanitizer_before_leak_check(void);

#endif
