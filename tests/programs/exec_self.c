/*
 * exec_self.c - replaces itself by itself three times; image k makes 10 * k blocks of k bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int generation = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < 10 * generation; i++) {
        if (malloc((size_t)generation) == NULL) {
            return 9;
        }
    }
    if (generation == 4) {
        return 5;
    }
    char next[16];
    snprintf(next, sizeof(next), "%d", generation + 1);
    execl("/proc/self/exe", argv[0], next, (char *)NULL);
    return 8;
}
