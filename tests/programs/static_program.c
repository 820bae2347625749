/*
 * static_program.c - nothing can be preloaded into it: it must run as ever, and be named.
 *
 * build: -static
 */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    void *block = malloc(1000);
    printf("static %d\n", block != NULL);
    free(block);
    return 11;
}
