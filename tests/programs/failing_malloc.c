/*
 * failing_malloc.c - a malloc that ends its process after FAILING_AFTER calls (default 1000).
 * build: -shared -fPIC
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char memory[64 << 20];
static size_t used_bytes;
static unsigned call_count;

void *malloc(size_t size_bytes)
{
    const char *limit = getenv("FAILING_AFTER");
    if (++call_count > (limit != NULL ? (unsigned)strtoul(limit, NULL, 10) : 1000)) {
        abort();
    }
    char *block = memory + used_bytes;
    used_bytes += (size_bytes + 31) / 16 * 16; /* its size stands before it */
    if (used_bytes > sizeof(memory)) {
        return NULL;
    }
    *(size_t *)(void *)block = size_bytes;
    return block + 16;
}

void *calloc(size_t count, size_t size_bytes)
{
    return malloc(count * size_bytes); /* static memory is zero, and none is used again */
}

void free(void *block)
{
    (void)block;
}

void *realloc(void *block, size_t size_bytes)
{
    void *moved = malloc(size_bytes);
    if (moved != NULL && block != NULL) {
        size_t old_bytes = *(size_t *)(void *)((char *)block - 16);
        memcpy(moved, block, old_bytes < size_bytes ? old_bytes : size_bytes);
    }
    return moved;
}

int posix_memalign(void **out_block, size_t alignment, size_t size_bytes)
{
    char *block = malloc(size_bytes + alignment);
    size_t over = block != NULL ? (size_t)block % alignment : 0;
    *out_block = block != NULL ? block + (over > 0 ? alignment - over : 0) : NULL;
    return 0;
}
