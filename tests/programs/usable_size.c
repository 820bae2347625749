/*
 * usable_size.c - block sizes and alignment are those of the allocator beneath, with or without us.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    for (size_t size = 0; size < 300000; size += 1 + size / 16) {
        void *block = malloc(size);
        printf("%zu %zu %d\n", size, malloc_usable_size(block), (int)((uintptr_t)block % 16));
        free(block);
    }
    printf("%zu\n", malloc_usable_size(NULL));
    return 0;
}
