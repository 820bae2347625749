/*
 * Blocks that fill a heap, one FILE at its top, then all is freed: the FILE's freed block stays in
 * the thread's cache, and glibc, which trims its heap from the top only, keeps the rest resident.
 * Prints what is resident when full and when freed, in bytes. Arguments: the number of blocks, and
 * "live" to keep the FILE open until the end, or "trim" to call malloc_trim(0).
 */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 512,
    PAUSE_US = 300000,
};

static long resident_bytes(void)
{
    char text[128] = "";
    int fd = open("/proc/self/statm", O_RDONLY);
    long bytes = -1;
    if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0) {
        bytes = atol(strchr(text, ' ')) * sysconf(_SC_PAGESIZE);
    }
    close(fd);
    return bytes;
}

static void fill_blocks(char **blocks, long count)
{
    for (long i = 0; i < count; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        memset(blocks[i], 1, BLOCK_BYTES);
    }
}

static FILE *open_file(void)
{
    return fopen("/dev/null", "r");
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 400000;
    const char *how = argc > 2 ? argv[2] : "";
    size_t table_bytes = (size_t)count * sizeof(char *);
    char **blocks =
        mmap(NULL, table_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fill_blocks(blocks, count);
    FILE *file = open_file();
    if (strcmp(how, "live") != 0) {
        fclose(file);
    }
    long full_bytes = resident_bytes();
    usleep(PAUSE_US);
    for (long i = 0; i < count; i++) {
        free(blocks[i]);
    }
    if (strcmp(how, "trim") == 0) {
        malloc_trim(0);
    }
    munmap(blocks, table_bytes);
    usleep(PAUSE_US);
    char line[96];
    int length = snprintf(line, sizeof(line), "%ld %ld\n", full_bytes, resident_bytes());
    return write(STDOUT_FILENO, line, (size_t)length) == length ? 0 : 1;
}
