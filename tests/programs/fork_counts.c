/*
 * fork_counts.c - takes 1,000 blocks and forks; the child takes 300 more and gives 200 of its
 * parent's back. Both end by themselves.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PARENTS = 1000,
    CHILDS = 300,
    GIVEN = 200,
};

static void *volatile blocks[PARENTS + CHILDS];

int main(void)
{
    int status = 1;
    for (int i = 0; i < PARENTS; i++) {
        blocks[i] = malloc(100);
    }
    pid_t child = fork();
    if (child < 0) {
        return 1;
    }
    if (child == 0) {
        for (int i = 0; i < CHILDS; i++) {
            blocks[PARENTS + i] = malloc(100);
        }
        for (int i = 0; i < GIVEN; i++) {
            free(blocks[i]);
        }
        return 0;
    }
    (void)waitpid(child, &status, 0);
    return status;
}
