/*
 * realloc_forms.c - realloc grows, shrinks, starts from NULL and ends by 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grow(void)
{
    char *block = realloc(NULL, 16);
    for (size_t size = 32; size <= 16 << 10; size *= 2) {
        block = realloc(block, size);
        memset(block, 1, size);
    }
    return block;
}

static void *shrink(void *block)
{
    return realloc(block, 100);
}

static void to_zero(void *block)
{
    void *nothing = realloc(block, 0);
    printf("realloc to 0 gives %s\n", nothing == NULL ? "NULL" : "a block");
}

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    to_zero(shrink(grow()));
    void *kept = malloc(40);
    kept = realloc(kept, 40);
    free(kept);
    return 0;
}
