/*
 * page_malloc.c - a preload with an allocator whose blocks begin pages of their own, each second
 * one behind a page that cannot be read: whoever looks in front of a block, as is right above glibc
 * alone, ends there.
 *
 * build: -shared -fPIC
 */
#include <stdint.h>
#include <sys/mman.h>

#include "allocator_exports.h"

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

void free(void *block)
{
    if (block != NULL) {
        mprotect(block, size_of(block) / PAGE * PAGE + PAGE, PROT_NONE);
    }
}
