/*
 * A comb: COUNT small blocks that stay, each followed by a large one that is freed, so that the
 * small ones hold nearly a page each. Then it rests, for the recorder to look. Argument: COUNT
 * (20000).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    KEPT_BYTES = 56,
    PASSING_BYTES = 4024, /* with the other and both headers: a page */
    PAUSE_US = 400000,
};

static char *keep_block(void)
{
    return memset(malloc(KEPT_BYTES), 1, KEPT_BYTES);
}

static char *pass_block(void)
{
    return memset(malloc(PASSING_BYTES), 1, PASSING_BYTES);
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    char **kept = mmap(NULL, 2 * count * sizeof(*kept), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char **passing = kept + count;
    for (size_t i = 0; i < count; i++) {
        kept[i] = keep_block();
        passing[i] = pass_block();
    }
    for (size_t i = 0; i < count; i++) {
        free(passing[i]);
    }
    usleep(PAUSE_US);
    return 0;
}
