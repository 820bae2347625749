/*
 * hello.c - one line on stdout, one on stderr, ten blocks of which three leak, status 3.
 */
#include <stdio.h>
#include <stdlib.h>

static void *blocks[10];

static void allocate(void)
{
    for (int i = 0; i < 10; i++) {
        blocks[i] = malloc(25);
    }
}

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    allocate();
    for (int i = 3; i < 10; i++) {
        free(blocks[i]);
    }
    fputs("to stderr\n", stderr);
    puts("to stdout");
    return 3;
}
