#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "sys.h"

enum {
    ENVIRONMENT_BYTES = 1 << 18,
};

static const char *environment_of_libc(const char *name)
{
    return getenv(name);
}

#include "banned.h"

static const char *environment_of_kernel(const char *name)
{
    static char text[ENVIRONMENT_BYTES];
    size_t name_bytes = strlen(name);
    long count = sys_read_file("/proc/self/environ", text, sizeof(text));
    for (const char *at = text; count > 0 && at < text + count; at += strlen(at) + 1) {
        if (strncmp(at, name, name_bytes) == 0 && at[name_bytes] == '=') {
            return at + name_bytes + 1;
        }
    }
    return NULL;
}

const char *environment_find(const char *name)
{
    if (getauxval(AT_SECURE) != 0) {
        return NULL;
    }
    return environ != NULL ? environment_of_libc(name) : environment_of_kernel(name);
}
