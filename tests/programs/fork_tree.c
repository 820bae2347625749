/*
 * fork_tree.c - forks twice, as do its children, to a depth of 5; each of the 63 makes 4 blocks and
 * frees 3, one of which its parent made.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DEPTH = 5
};

static int grow(int depth, void *inherited)
{
    int is_good = 1;
    void *own = malloc(51);
    for (int i = 0; i < 2 && depth < DEPTH; i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(!grow(depth + 1, own));
        }
        int status = 1;
        is_good &= child > 0 && waitpid(child, &status, 0) == child && status == 0;
    }
    free(inherited);
    free(malloc(52));
    free(malloc(53));
    return is_good && own != NULL && malloc(54) != NULL;
}

int main(void)
{
    return grow(0, malloc(50)) ? 0 : 3;
}
