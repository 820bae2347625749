/*
 * allocator_exports.h - the names of an allocator that never gives an address out twice, over two
 * functions that the file which includes this has: take() and size_of(). free() is its own.
 *
 * Not by the exported names, so that a call is seen once.
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Zero bytes, at least so aligned; NULL with errno set. */
static void *take(size_t align, size_t size);
/* As it was asked for; of NULL 0. */
static size_t size_of(const void *block);

void *malloc(size_t size)
{
    return take(1, size);
}

void *calloc(size_t count, size_t size)
{
    return take(1, count * size);
}

size_t malloc_usable_size(void *block)
{
    return size_of(block);
}

void *realloc(void *old, size_t size)
{
    void *block = take(1, size);
    size_t old_size = size_of(old);
    if (block != NULL && old != NULL) {
        memcpy(block, old, old_size < size ? old_size : size);
    }
    return block;
}

void *memalign(size_t align, size_t size)
{
    return take(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return take(align, size);
}

int posix_memalign(void **out_block, size_t align, size_t size)
{
    *out_block = take(align, size);
    return *out_block == NULL ? ENOMEM : 0;
}
