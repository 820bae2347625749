/*
 * timed_pairs.c - how long a malloc and its free take once a file is there: what the recorder costs
 * when it has died.
 *
 * timed_pairs BEGUN GO: makes a block and the file BEGUN, waits for the file GO, and prints
 * nanoseconds of CPU time per pair, the best of many rounds.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 40,
    PAIRS = 50000,
    WAIT_US = 1000,
};

static uint64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    static void *volatile kept;
    double best_ns = 1e9;
    if (argc != 3) {
        return 2;
    }
    free(malloc(40));
    (void)close(open(argv[1], O_CREAT | O_WRONLY, 0600));
    while (access(argv[2], F_OK) != 0) {
        (void)usleep(WAIT_US);
    }
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start_ns = cpu_ns();
        for (int i = 0; i < PAIRS; i++) {
            kept = malloc(40);
            free(kept);
        }
        double pair_ns = (double)(cpu_ns() - start_ns) / PAIRS;
        best_ns = pair_ns < best_ns ? pair_ns : best_ns;
    }
    printf("%.1f\n", best_ns);
    return 0;
}
