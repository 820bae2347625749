#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

/* Takes the assignment over, also when it fails. */
static int put(struct environment *environment, char *assignment)
{
    int r = assignment == NULL ? -ENOMEM
                               : vec_reserve((void **)&environment->items, &environment->capacity,
                                             environment->count + 2, sizeof(*environment->items));
    if (r < 0) {
        free(assignment);
        return r;
    }

    const size_t name_bytes = strcspn(assignment, "=") + 1;
    size_t at = 0;
    while (at < environment->count &&
           strncmp(environment->items[at], assignment, name_bytes) != 0) {
        at++;
    }
    if (at < environment->count) {
        free(environment->items[at]);
    } else {
        environment->count++;
        environment->items[environment->count] = NULL;
    }
    environment->items[at] = assignment;
    return 0;
}

int environment_set(struct environment *environment, const char *assignment)
{
    return put(environment, strdup(assignment));
}

int environment_set_value(struct environment *environment, const char *name, const char *value)
{
    char *assignment = NULL;
    return put(environment, asprintf(&assignment, "%s=%s", name, value) < 0 ? NULL : assignment);
}

int environment_copy(struct environment *environment, char *const *from)
{
    int r = 0;
    for (size_t i = 0; from[i] != NULL && r == 0; i++) {
        r = environment_set(environment, from[i]);
    }
    return r;
}

void environment_fini(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++) {
        free(environment->items[i]);
    }
    free(environment->items);
    *environment = (struct environment){0};
}
