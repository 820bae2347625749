/*
 * after_main.c - frees in an atexit handler and in a destructor, and allocates in both, after main.
 */
#include <stdlib.h>

static void *first, *second;

static void at_exit(void)
{
    free(first);
    free(malloc(201));
}

__attribute__((destructor)) static void destruct(void)
{
    free(second);
    free(malloc(202));
}

int main(void)
{
    first = malloc(203);
    second = malloc(204);
    return atexit(at_exit);
}
