/*
 * bump_malloc.c - a preload with an allocator that a signal handler may call: it only adds up.
 *
 * Not a program: it lies beneath the recorder in the signal test, so that a handler that
 * interrupts malloc is lawful, and whatever goes wrong there is the recorder's.
 *
 * build: -shared -fPIC
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES = 1 << 30,
    HEADER_BYTES = 16
};
static char arena[ARENA_BYTES] __attribute__((aligned(4096)));
static size_t arena_used;

/* Not by the exported names, so that a call is seen once. */
static void *take(size_t align, size_t size)
{
    align = align < HEADER_BYTES ? HEADER_BYTES : align;
    size_t need = size + align + HEADER_BYTES;
    size_t offset =
        need < size ? ARENA_BYTES : __atomic_fetch_add(&arena_used, need, __ATOMIC_RELAXED);
    if (size > ARENA_BYTES || offset + need > ARENA_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    uintptr_t block = ((uintptr_t)arena + offset + HEADER_BYTES + align - 1) & ~(align - 1);
    ((size_t *)block)[-1] = size;
    return (void *)block;
}

void *malloc(size_t size)
{
    return take(HEADER_BYTES, size);
}

void free(void *block)
{
    (void)block;
}

void *calloc(size_t count, size_t size)
{
    return take(HEADER_BYTES, count * size); /* never reused, so still zero */
}

static size_t size_of(const void *block)
{
    return block == NULL ? 0 : ((const size_t *)block)[-1];
}

size_t malloc_usable_size(void *block)
{
    return size_of(block);
}

void *realloc(void *old, size_t size)
{
    void *block = take(HEADER_BYTES, size);
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
