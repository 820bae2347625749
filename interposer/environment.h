/*
 * environment.h - variables of the program's environment, at any time of its life.
 *
 * The first allocation may come before libc has set `environ`; then the kernel's copy is read.
 */
#ifndef ALLOCAUDIT_ENVIRONMENT_H
#define ALLOCAUDIT_ENVIRONMENT_H

/* NULL: it is not set, or the program runs with rights that its caller does not have. */
const char *environment_find(const char *name);

#endif
