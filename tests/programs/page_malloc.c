/*
 * page_malloc.c - a preload with an allocator whose blocks begin pages of their own, each second
 * one behind a page that cannot be read: whoever looks in front of a block, as is right above glibc
 * alone, ends there.
 *
 * build: -shared -fPIC
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGE = 4096,
    PAGES = 1 << 20,
};

static size_t sizes[PAGES];
static char *arena;
static size_t pages_used;
static size_t block_count;

static void *take(size_t align, size_t size)
{
    size_t gap = __atomic_fetch_add(&block_count, 1, __ATOMIC_RELAXED) % 2;
    size_t pages = size / PAGE + 1 + gap;
    if (arena == NULL) {
        char *all = mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        char *none = NULL;
        __atomic_compare_exchange_n(&arena, &none, all, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    size_t first = __atomic_fetch_add(&pages_used, pages, __ATOMIC_RELAXED);
    if (align > PAGE || size > (size_t)PAGES * PAGE || first + pages > PAGES) {
        errno = ENOMEM;
        return NULL;
    }
    char *block = arena + (first + gap) * PAGE;
    sizes[first + gap] = size;
    mprotect(block, (pages - gap) * PAGE, PROT_READ | PROT_WRITE);
    return block;
}

static size_t size_of(const void *block)
{
    return block == NULL ? 0 : sizes[((const char *)block - arena) / PAGE];
}

void *malloc(size_t size)
{
    return take(1, size);
}

void free(void *block)
{
    if (block != NULL) {
        mprotect(block, size_of(block) / PAGE * PAGE + PAGE, PROT_NONE);
    }
}

void *calloc(size_t count, size_t size)
{
    return take(1, count * size); /* never reused, so still zero */
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
