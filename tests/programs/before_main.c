/*
 * before_main.c - allocates in a preinit function and in a constructor, before main is there.
 */
#include <stdlib.h>

static void *early, *later;

static void preinit(int argc, char **argv, char **environment)
{
    (void)argc;
    (void)argv;
    (void)environment;
    early = malloc(101);
}
__attribute__((section(".preinit_array"), used)) static void (*preinit_entry)(int, char **,
                                                                              char **) = preinit;

__attribute__((constructor)) static void construct(void)
{
    later = malloc(102);
}

int main(void)
{
    free(early);
    free(later);
    return 0;
}
