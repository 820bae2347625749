/*
 * plugin_deep.c - opened with RTLD_DEEPBIND by deep_bind.c, with which it hands over blocks.
 *
 * build: -shared -fPIC
 */
#include <stdlib.h>
#include <string.h>

#include "plugin_deep.h"

/* The program has a function of that name, too. */
const char *deep_word(void)
{
    return "the module's own";
}

const char *deep_ask(void)
{
    return deep_word();
}

void *deep_make(size_t size_bytes)
{
    void *block = NULL;
    switch (size_bytes % 4) {
    case 0:
        return malloc(size_bytes);
    case 1:
        return calloc(1, size_bytes);
    case 2:
        return posix_memalign(&block, 64, size_bytes) == 0 ? block : NULL;
    default:
        return realloc(malloc(1), size_bytes);
    }
}

void deep_give(void *block)
{
    free(block);
}
