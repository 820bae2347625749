/*
 * timer_storm.c - for a second a timer signals a thousand times a second; the handler allocates,
 * which is lawful as the signal is blocked but while the program waits.
 *
 * Prints how many blocks the handler made.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static unsigned long handled;

static void handle(int signal_number)
{
    free(malloc((size_t)(70 + signal_number)));
    handled++;
}

static unsigned long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000 + (unsigned long)now.tv_nsec / 1000000;
}

int main(void)
{
    sigset_t blocked, before;
    struct sigaction action = {.sa_handler = handle};
    struct itimerval each_ms = {{0, 1000}, {0, 1000}};
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each_ms, NULL);
    for (unsigned long end = now_ms() + 1000; now_ms() < end;) {
        for (int i = 0; i < 100; i++) {
            free(malloc(60));
        }
        sigsuspend(&before);
    }
    printf("%lu\n", handled);
    return 0;
}
