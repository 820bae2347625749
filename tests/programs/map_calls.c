/*
 * map_calls.c - mmap, mremap, munmap, brk and sbrk, used as programs use them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    char *map = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(map, 1, 1 << 16);
    map = mremap(map, 1 << 16, 1 << 20, MREMAP_MAYMOVE);
    memset(map, 2, 1 << 20);
    int failures = munmap(map, 1 << 20);
    char *kept = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    failures += munmap(kept + 4096, 4096);
    char *end = sbrk(0);
    failures += sbrk(8192) != end;
    failures += brk(end);
    printf("%d %d\n", failures, kept != MAP_FAILED);
    return failures;
}
