/*
 * vfork_child.c - children by vfork, which run in their parent's memory, allocate there and leave.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile given;

static void take_in_child(void)
{
    free(malloc(71));
    given = malloc(72);
}

int main(void)
{
    for (int i = 0; i < 10; i++) {
        free(malloc(70));
        pid_t child = vfork();
        if (child == 0) {
            take_in_child();
            _exit(0);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
            return 3;
        }
        free(given);
    }
    return 0;
}
