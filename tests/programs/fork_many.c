/*
 * fork_many.c - N children by fork, a few at a time; each makes 3 blocks and frees 2. [N=200]
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    AT_ONCE = 8
};

static void child_main(void)
{
    free(malloc(41));
    free(malloc(42));
    _exit(malloc(43) == NULL);
}

static int reap(void)
{
    int status = 1;
    return wait(&status) > 0 && status == 0;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 200;
    int good_count = 0;
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            child_main();
        }
        good_count += i >= AT_ONCE ? reap() : 0;
    }
    for (int i = 0; i < AT_ONCE && i < count; i++) {
        good_count += reap();
    }
    return good_count == count ? 0 : 3;
}
