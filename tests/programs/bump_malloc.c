/*
 * bump_malloc.c - a preload with an allocator that a signal handler may call: it only adds up.
 *
 * Not a program: it lies beneath the recorder in the signal test, so that a handler that
 * interrupts malloc is lawful, and whatever goes wrong there is the recorder's.
 *
 * build: -shared -fPIC
 */
#include <stdint.h>

#include "allocator_exports.h"

enum {
    ARENA_BYTES = 1 << 30,
    HEADER_BYTES = 16
};
static char arena[ARENA_BYTES] __attribute__((aligned(4096)));
static size_t arena_used;

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

void free(void *block)
{
    (void)block;
}

static size_t size_of(const void *block)
{
    return block == NULL ? 0 : ((const size_t *)block)[-1];
}
