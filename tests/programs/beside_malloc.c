/*
 * beside_malloc.c - makes 1000 blocks with an allocator of another name and 10 with malloc.
 *
 * -DTAKE=je_malloc -DGIVE=je_free names its functions; the test links it, statically or not.
 */
#include <stdio.h>
#include <stdlib.h>

void *TAKE(size_t size_bytes);
void GIVE(void *block);

static void *volatile kept;

int main(void)
{
    for (int i = 0; i < 1000; i++) {
        kept = TAKE(32);
        GIVE(kept);
    }
    for (int i = 0; i < 10; i++) {
        kept = malloc(33);
        free(kept);
    }
    puts("done");
    return kept == NULL;
}
