/*
 * signal_storm.c - a timer's handler allocates and frees while the program does, also inside
 * malloc.
 *
 * Lawful only above an allocator that allows it (bump_malloc.c).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static volatile sig_atomic_t handler_count;
static void *volatile leaked;

static void handle(int signal_number)
{
    int saved = errno;
    (void)signal_number;
    free(malloc(77));
    leaked = malloc(78);
    handler_count++;
    errno = saved;
}

static void work(void)
{
    for (int i = 0; i < 400000; i++) {
        void *block = malloc(100);
        free(block);
    }
}

int main(void)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_interval = {.tv_usec = 50}, .it_value = {.tv_usec = 50}};
    setitimer(ITIMER_REAL, &timer, NULL);
    work();
    while (handler_count < 50) {
        work();
    }
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 0}}, NULL);
    signal(SIGALRM, SIG_IGN);
    printf("handled %d\n", (int)handler_count);
    return 0;
}
