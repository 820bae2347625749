/*
 * early_malloc.c - a library that allocates before any library that was preloaded has started.
 *
 * build: -shared -fPIC
 */
#include <stdlib.h>

void *early_block;

static __attribute__((constructor)) void early_start(void)
{
    early_block = malloc(100);
}
