/*
 * many_reallocs.c - 20,000 reallocs of one block, all of one call in one line.
 */
#include <stdlib.h>

enum {
    CALLS = 20000
};

int main(void)
{
    char *block = malloc(100);
    for (size_t i = 0; i < CALLS; i++) {
        char *moved = realloc(block, 100 + i % 8);
        if (moved == NULL) {
            break;
        }
        block = moved;
    }
    free(block);
    return 0;
}
