/*
 * malloc_zero.c - requests of no bytes give blocks, each its own.
 */
#include <stdlib.h>

int main(void)
{
    void *first = malloc(0);
    void *second = malloc(0);
    void *third = calloc(0, 8);
    void *leaked = malloc(0);
    int are_distinct = first != second && second != third && third != leaked && leaked != NULL;
    free(first);
    free(second);
    free(third);
    return are_distinct ? 0 : 1;
}
