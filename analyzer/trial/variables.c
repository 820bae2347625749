#include "variables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

/* Takes the assignment over, also when it fails. */
static int put(struct variables *variables, char *assignment)
{
    int r = assignment == NULL ? -ENOMEM
                               : vec_reserve((void **)&variables->items, &variables->capacity,
                                             variables->count + 2, sizeof(*variables->items));
    if (r < 0) {
        free(assignment);
        return r;
    }

    const size_t name_bytes = strcspn(assignment, "=") + 1;
    size_t at = 0;
    while (at < variables->count && strncmp(variables->items[at], assignment, name_bytes) != 0) {
        at++;
    }
    if (at < variables->count) {
        free(variables->items[at]);
    } else {
        variables->count++;
        variables->items[variables->count] = NULL;
    }
    variables->items[at] = assignment;
    return 0;
}

int variables_set(struct variables *variables, const char *assignment)
{
    return put(variables, strdup(assignment));
}

int variables_set_value(struct variables *variables, const char *name, const char *value)
{
    char *assignment = NULL;
    return put(variables, asprintf(&assignment, "%s=%s", name, value) < 0 ? NULL : assignment);
}

int variables_copy(struct variables *variables, char *const *from)
{
    int r = 0;
    for (size_t i = 0; from[i] != NULL && r == 0; i++) {
        r = variables_set(variables, from[i]);
    }
    return r;
}

void variables_fini(struct variables *variables)
{
    for (size_t i = 0; i < variables->count; i++) {
        free(variables->items[i]);
    }
    free(variables->items);
    *variables = (struct variables){0};
}
