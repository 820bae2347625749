/*
 * What every allocator must keep: alignment, zeros, contents over realloc, usable sizes, errno,
 * failures. Ends with 0, or aborts.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void zeros(void)
{
    for (size_t size = 1; size < 40000; size = size * 2 + 1) {
        unsigned char *dirty = malloc(size);
        memset(dirty, 0xff, malloc_usable_size(dirty));
        free(dirty);
        unsigned char *block = calloc(size, 1);
        for (size_t i = 0; i < size; i++) {
            CHECK(block[i] == 0);
        }
        free(block);
    }
}

static void alignments(void)
{
    for (size_t alignment = 16; alignment <= 1 << 16; alignment *= 2) {
        for (size_t size = 1; size < 20000; size = size * 3 + 1) {
            void *block = NULL;
            CHECK(posix_memalign(&block, alignment, size) == 0);
            CHECK((uintptr_t)block % alignment == 0 && malloc_usable_size(block) >= size);
            memset(block, 1, size);
            free(block);
            block = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
            CHECK((uintptr_t)block % alignment == 0);
            free(block);
            block = memalign(alignment, size);
            CHECK((uintptr_t)block % alignment == 0);
            block = realloc(block, size * 2);
            CHECK(block != NULL);
            free(block);
        }
    }
    for (size_t size = 0; size < 100; size++) {
        void *block = malloc(size);
        CHECK(block != NULL && (uintptr_t)block % 16 == 0);
        free(block);
    }
}

static void growth(void)
{
    unsigned char *block = NULL;
    size_t size = 0;
    for (size_t wanted = 1; wanted < 300000; wanted += 1 + wanted / 7) {
        block = realloc(block, wanted);
        for (size_t i = 0; i < size; i++) {
            CHECK(block[i] == i % 251);
        }
        for (size_t i = size; i < wanted; i++) {
            block[i] = (unsigned char)(i % 251);
        }
        size = wanted;
    }
    while (size > 1) {
        size /= 3;
        block = realloc(block, size + 1);
        for (size_t i = 0; i <= size; i++) {
            CHECK(block[i] == i % 251);
        }
    }
    free(block);
}

static void errors(void)
{
    void *block = NULL;
    volatile size_t huge = SIZE_MAX / 2;
    errno = 0;
    CHECK(malloc(huge) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(calloc(huge, 4) == NULL && errno == ENOMEM);
    CHECK(posix_memalign(&block, 3, 100) == EINVAL);
    CHECK(posix_memalign(&block, 4, 100) == EINVAL);
    char *kept = strdup("kept");
    errno = 0;
    CHECK(realloc(kept, huge) == NULL && errno == ENOMEM && strcmp(kept, "kept") == 0);
    errno = 77;
    free(kept);
    free(NULL);
    free(malloc(100));
    CHECK(errno == 77);
    CHECK(malloc_usable_size(NULL) == 0);
}

int main(void)
{
    zeros();
    alignments();
    growth();
    errors();
    return 0;
}
