/*
 * failures.c - calls that cannot be served give NULL and ENOMEM, and are counted as failed.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static volatile size_t huge = SIZE_MAX / 2 + 1;

static void expect_enomem(const char *name, const void *block)
{
    printf("%s %s %s\n", name, block == NULL ? "NULL" : "block", errno == ENOMEM ? "ENOMEM" : "?");
    errno = 0;
}

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    void *volatile block = malloc(16);
    void *aligned = block;
    errno = 0;
    expect_enomem("malloc", malloc(huge));
    expect_enomem("calloc", calloc(huge, 3));
    expect_enomem("realloc", realloc(block, huge));
    expect_enomem("reallocarray", reallocarray(block, huge, 4));
    expect_enomem("aligned_alloc", aligned_alloc(64, huge));
    int status = posix_memalign(&aligned, 64, huge);
    printf("posix_memalign %d %d %d\n", status, aligned == block, errno);
    status = posix_memalign(&aligned, 3, 100);
    printf("posix_memalign %d %d\n", status, aligned == block);
    free(block);
    return 0;
}
