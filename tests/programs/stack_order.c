/*
 * stack_order.c - 1,000 times ten blocks, freed youngest first.
 */
#include <stdlib.h>

int main(void)
{
    void *blocks[10];
    for (int i = 0; i < 1000; i++) {
        for (int j = 0; j < 10; j++) {
            blocks[j] = malloc(32);
        }
        for (int j = 10; j-- > 0;) {
            free(blocks[j]);
        }
    }
    return 0;
}
