/*
 * spin.c - allocates until it is told to stop; with "ready" on stdout once it runs.
 *
 * argv[1] = seconds at most. SIGTERM and SIGINT end it with status 21 and 22; every block is freed.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ending;

static void handle(int signal_number)
{
    ending = signal_number == SIGTERM ? 21 : 22;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
    if (write(1, "ready\n", 6) != 6) {
        return 1;
    }
    while (!ending && time(NULL) < end) {
        for (int i = 0; i < 100; i++) {
            free(malloc(71));
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return (int)ending;
}
