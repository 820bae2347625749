/*
 * address_error.c - makes and frees 100 blocks in `work`; with an argument writes behind one of
 * them. To be built with -fsanitize=address.
 */
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static void work(int is_wrong)
{
    for (int i = 0; i < 100; i++) {
        volatile char *block = malloc(48);
        block[i == 50 && is_wrong ? 48 : 0] = 1;
        free((void *)block);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    work(argc > 1);
    puts("done");
    return 0;
}
