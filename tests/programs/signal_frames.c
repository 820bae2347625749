/*
 * signal_frames.c - a thread allocates, and so do the handlers of signals that interrupt it:
 * signal_frames STACK WHEN. STACK: `same`, or `above`, an alternate stack that begins where the
 * thread's own ends. WHEN: `raise` (from the thread itself, one handler inside the other), or `any`
 * (from a timer, also inside malloc: lawful only above bump_malloc.c). Prints how often each
 * handler ran, and how often the thread allocated.
 *
 * build: -pthread
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

enum {
    OWN_BYTES = 256 * 1024,
    ABOVE_BYTES = 64 * 1024,
    RAISED = 200,
    ALLOCATED_MOST = 8000000, /* or bump_malloc has no more */
    HANDLED = 2000
};

static char *stacks;
static int is_above;
static int is_raised;
static volatile sig_atomic_t outer_count;
static volatile sig_atomic_t inner_count;
static int work_count;

static void handle_inner(int number)
{
    (void)number;
    free(malloc(62));
    inner_count++;
}

static void handle_outer(int number)
{
    (void)number;
    free(malloc(61));
    if (is_raised) {
        raise(SIGUSR2);
    }
    outer_count++;
}

static void work(void)
{
    while (work_count < (is_raised ? RAISED : ALLOCATED_MOST) && outer_count < HANDLED) {
        free(malloc(60));
        work_count++;
        if (is_raised) {
            raise(SIGUSR1);
        }
    }
}

static void *run(void *unused)
{
    const stack_t above = {.ss_sp = stacks + OWN_BYTES, .ss_size = ABOVE_BYTES};
    const stack_t none = {.ss_flags = SS_DISABLE};
    if (is_above) {
        sigaltstack(&above, NULL);
    }
    int flags = is_above ? SA_ONSTACK : 0;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle_outer, .sa_flags = flags}, NULL);
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = handle_inner, .sa_flags = flags}, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = handle_outer, .sa_flags = flags}, NULL);
    struct itimerval timer = {.it_interval = {.tv_usec = 50}, .it_value = {.tv_usec = 50}};
    if (!is_raised) {
        setitimer(ITIMER_REAL, &timer, NULL);
    }
    work();
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);
    if (is_above) {
        sigaltstack(&none, NULL);
    }
    return unused;
}

int main(int argc, char **argv)
{
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    if (argc != 3) {
        return 2;
    }
    is_above = strcmp(argv[1], "above") == 0;
    is_raised = strcmp(argv[2], "raise") == 0;
    stacks = mmap(NULL, OWN_BYTES + ABOVE_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stacks, OWN_BYTES);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_t thread;
    if (stacks == MAP_FAILED || pthread_create(&thread, &attributes, run, NULL) != 0) {
        return 3;
    }
    pthread_sigmask(SIG_BLOCK, &alarm, NULL); /* so that the thread gets it */
    pthread_join(thread, NULL);
    printf("%d %d %d\n", (int)outer_count, (int)inner_count, work_count);
    return 0;
}
