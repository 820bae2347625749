/*
 * environment.h - the variables that a program is started with, copied from ours and changed.
 */
#ifndef ALLOCAUDIT_ENVIRONMENT_H
#define ALLOCAUDIT_ENVIRONMENT_H

#include <stddef.h>

/* Zeroed is a valid empty one; environment_fini() frees it. */
struct environment {
    char **items; /* "NAME=VALUE", NULL-ended once anything was set */
    size_t count;
    size_t capacity;
};

/* All return 0 or -ENOMEM. */

/* Copies a NULL-ended list of assignments. */
int environment_copy(struct environment *environment, char *const *from);

/* Sets NAME from "NAME=VALUE", which is copied. */
int environment_set(struct environment *environment, const char *assignment);

/* Sets the name to the value. */
int environment_set_value(struct environment *environment, const char *name, const char *value);

void environment_fini(struct environment *environment);

#endif
