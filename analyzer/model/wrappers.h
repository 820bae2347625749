/*
 * wrappers.h - functions that only pass an allocation on, so that their caller is the one to show.
 */
#ifndef ALLOCAUDIT_WRAPPERS_H
#define ALLOCAUDIT_WRAPPERS_H

#include <stdbool.h>

/* True for malloc and operator new themselves, the inner parts of std::allocator and of the
 * standard containers, and the usual xmalloc-like helpers. `function` is demangled. */
bool wrapper_is_allocator(const char *function);

#endif
