/*
 * variables.h - the variables that a program is started with, copied from ours and changed.
 */
#ifndef ALLOCAUDIT_VARIABLES_H
#define ALLOCAUDIT_VARIABLES_H

#include <stddef.h>

/* Zeroed is a valid empty one; variables_fini() frees it. */
struct variables {
    char **items; /* "NAME=VALUE", NULL-ended once anything was set */
    size_t count;
    size_t capacity;
};

/* All return 0 or -ENOMEM. */

/* Copies a NULL-ended list of assignments. */
int variables_copy(struct variables *variables, char *const *from);

/* Sets NAME from "NAME=VALUE", which is copied. */
int variables_set(struct variables *variables, const char *assignment);

/* Sets the name to the value. */
int variables_set_value(struct variables *variables, const char *name, const char *value);

void variables_fini(struct variables *variables);

#endif
