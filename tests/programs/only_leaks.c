/*
 * only_leaks.c - makes ten blocks of 100 to 109 bytes and frees none.
 */
#include <stdlib.h>

enum {
    BLOCKS = 10
};

static void *volatile kept[BLOCKS];

int main(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        kept[i] = malloc(100 + i);
    }
    return 0;
}
