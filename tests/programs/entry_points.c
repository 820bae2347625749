/*
 * entry_points.c - each C entry point once, from a function of its own.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>

/* Names that this C library may lack or hide: the recorder offers them, free() serves without it.
 */
static void free_by_name(const char *name, void *block, size_t align, size_t size)
{
    void *symbol = dlsym(RTLD_DEFAULT, name);
    void (*function)(void *, size_t, size_t);
    *(void **)&function = symbol;
    if (function == NULL) {
        free(block);
    } else if (align == 0) {
        function(block, size, 0);
    } else {
        function(block, align, size);
    }
}

#define CASE(name, expression)                                                                     \
    static void case_##name(void)                                                                  \
    {                                                                                              \
        free(expression);                                                                          \
    }
CASE(malloc, malloc(100))
CASE(calloc, calloc(3, 7))
CASE(realloc, realloc(malloc(10), 1000))
CASE(realloc_null, realloc(NULL, 33))
CASE(reallocarray, reallocarray(NULL, 5, 9))
CASE(memalign, memalign(64, 200))
CASE(aligned_alloc, aligned_alloc(128, 256))
CASE(valloc, valloc(50))
CASE(pvalloc, pvalloc(60))

static void case_posix_memalign(void)
{
    void *block = NULL;
    if (posix_memalign(&block, 256, 300) == 0) {
        free(block);
    }
}

static void case_cfree(void)
{
    free_by_name("cfree", malloc(70), 0, 0);
}

static void case_free_sized(void)
{
    free_by_name("free_sized", malloc(71), 0, 71);
}

static void case_free_aligned_sized(void)
{
    free_by_name("free_aligned_sized", aligned_alloc(64, 192), 64, 192);
}

int main(void)
{
    free(NULL);
    case_malloc();
    case_calloc();
    case_realloc();
    case_realloc_null();
    case_reallocarray();
    case_memalign();
    case_aligned_alloc();
    case_valloc();
    case_pvalloc();
    case_posix_memalign();
    case_cfree();
    case_free_sized();
    case_free_aligned_sized();
    return 0;
}
