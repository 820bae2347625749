#include "demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 256,
    NAME_MAX_BYTES = 32768, /* longer ones are no names that anybody reads */
};

struct known_name {
    const char *raw; /* NULL: a free place */
    char *readable;  /* NULL: raw is readable */
};

/* Open addressing by the address of the raw name; at most half full. */
struct demangler {
    struct known_name *names;
    size_t capacity; /* a power of two */
    size_t count;
};

struct demangler *demangler_create(void)
{
    struct demangler *demangler = calloc(1, sizeof(*demangler));
    if (demangler == NULL) {
        return NULL;
    }
    demangler->names = calloc(FIRST_CAPACITY, sizeof(*demangler->names));
    if (demangler->names == NULL) {
        free(demangler);
        return NULL;
    }
    demangler->capacity = FIRST_CAPACITY;
    return demangler;
}

static struct known_name *find_place(struct known_name *names, size_t capacity, const char *raw)
{
    size_t i = (size_t)(((uint64_t)(uintptr_t)raw * UINT64_C(0x9e3779b97f4a7c15)) >> 20);
    for (;; i++) {
        struct known_name *name = &names[i & (capacity - 1)];
        if (name->raw == NULL || name->raw == raw) {
            return name;
        }
    }
}

static int grow(struct demangler *demangler)
{
    size_t capacity = demangler->capacity * 2;
    struct known_name *names = calloc(capacity, sizeof(*names));
    if (names == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < demangler->capacity; i++) {
        if (demangler->names[i].raw != NULL) {
            *find_place(names, capacity, demangler->names[i].raw) = demangler->names[i];
        }
    }
    free(demangler->names);
    demangler->names = names;
    demangler->capacity = capacity;
    return 0;
}

bool demangle_is_mangled(const char *raw)
{
    return raw[0] == '_' && (raw[1] == 'Z' || raw[1] == 'R');
}

/* NULL where `raw` needs no change (or there is no memory for one). */
static char *make_readable(const char *raw)
{
    size_t length = strcspn(raw, "@"); /* memcpy@@GLIBC_2.14 */
    if (length > NAME_MAX_BYTES || length == 0) {
        return NULL;
    }
    if (raw[length] == '\0') {
        return demangle_is_mangled(raw) ? cplus_demangle(raw, DMGL_PARAMS | DMGL_ANSI) : NULL;
    }

    char *unversioned = strndup(raw, length);
    if (unversioned == NULL || !demangle_is_mangled(unversioned)) {
        return unversioned;
    }
    char *readable = cplus_demangle(unversioned, DMGL_PARAMS | DMGL_ANSI);
    if (readable == NULL) {
        return unversioned;
    }
    free(unversioned);
    return readable;
}

const char *demangler_name(struct demangler *demangler, const char *raw)
{
    struct known_name *name = find_place(demangler->names, demangler->capacity, raw);
    if (name->raw == NULL) {
        if (demangler->count >= demangler->capacity / 2) {
            if (grow(demangler) < 0) {
                return raw;
            }
            name = find_place(demangler->names, demangler->capacity, raw);
        }
        name->readable = make_readable(raw);
        name->raw = raw;
        demangler->count++;
    }
    return name->readable != NULL ? name->readable : raw;
}

void demangler_destroy(struct demangler *demangler)
{
    if (demangler == NULL) {
        return;
    }
    for (size_t i = 0; i < demangler->capacity; i++) {
        free(demangler->names[i].readable);
    }
    free(demangler->names);
    free(demangler);
}
