/*
 * kept_sizes.c - keeps COUNT blocks of each size: kept_sizes COUNT SIZE... It writes to all of
 * them, and prints by how many bytes the process has grown: the true cost of such blocks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

struct kept_block {
    struct kept_block *next;
};

static struct kept_block *kept;

static long read_private_kib(void)
{
    char line[256];
    long private_kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "Private_Dirty: %ld", &private_kib);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return private_kib;
}

static void keep(size_t size_bytes)
{
    struct kept_block *block = malloc(size_bytes);
    if (block == NULL) {
        abort();
    }
    memset(block, 1, size_bytes);
    block->next = kept;
    kept = block;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    long before_kib = read_private_kib();
    for (int i = 2; i < argc; i++) {
        for (long left = strtol(argv[1], NULL, 10); left > 0; left--) {
            keep(strtoul(argv[i], NULL, 10));
        }
    }
    printf("%ld\n", (read_private_kib() - before_kib) * 1024);
    return 0;
}
