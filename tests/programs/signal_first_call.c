/*
 * signal_first_call.c - 4000 threads in turn, whose first and only block is made while a timer's
 * signals come, also inside malloc (lawful only above bump_malloc.c). Prints how many blocks of 60
 * bytes the threads made, and how many of 61 the handler.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

enum {
    THREADS = 4000,
    PERIOD_US = 50,
};

static volatile sig_atomic_t handled_count;
static sigset_t alarm_set;

static void handle(int number)
{
    (void)number;
    free(malloc(61));
    handled_count++;
}

static void *run(void *unused)
{
    pthread_sigmask(SIG_UNBLOCK, &alarm_set, NULL);
    free(malloc(60));
    pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
    return unused;
}

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    struct itimerval timer = {.it_interval = {.tv_usec = PERIOD_US},
                              .it_value = {.tv_usec = PERIOD_US}};
    sigemptyset(&alarm_set);
    sigaddset(&alarm_set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle}, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, NULL) != 0) {
            return 3;
        }
        pthread_join(thread, NULL);
    }
    printf("%d %d\n", THREADS, (int)handled_count);
    return 0;
}
