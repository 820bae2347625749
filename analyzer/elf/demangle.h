/*
 * demangle.h - names of functions as a programmer wrote them: C++ and Rust demangled, symbol
 * versions cut off. Every name is worked out once. Single thread.
 */
#ifndef ALLOCAUDIT_DEMANGLE_H
#define ALLOCAUDIT_DEMANGLE_H

#include <stdbool.h>

struct demangler;

/* NULL: no memory. */
struct demangler *demangler_create(void);

/*
 * The readable form of `raw`, or `raw` itself where there is none. The result lives as long as the
 * demangler and `raw`, which must not change: it is remembered by its address.
 */
const char *demangler_name(struct demangler *demangler, const char *raw);

/* Whether a name looks like one that a C++ or Rust compiler made. */
bool demangle_is_mangled(const char *raw);

/* NULL is fine. */
void demangler_destroy(struct demangler *demangler);

#endif
