/*
 * prefixed_malloc.c - brings an allocator of its own under another name, as jemalloc is when it is
 * linked statically with a prefix, and makes 1000 blocks with it and 10 with the C library's.
 */
#include <stddef.h>
#include <stdlib.h>

static char memory[1 << 20];
static size_t used;

__attribute__((noinline)) void *je_malloc(size_t size_bytes)
{
    void *block = memory + used;
    used += (size_bytes + 15) & ~(size_t)15;
    return block;
}

int main(void)
{
    static void *volatile kept;
    for (int i = 0; i < 1000; i++) {
        kept = je_malloc(32);
    }
    for (int i = 0; i < 10; i++) {
        free(malloc(33));
    }
    return kept == NULL;
}
