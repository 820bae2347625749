#include "leak_bell.h"

#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *leak_bell_watch(void *context)
{
    struct leak_bell *bell = context;
    uint32_t seen = atomic_load(&bell->ring->scan_count);
    while (!atomic_load(&bell->is_ending)) {
        uint32_t count = atomic_load(&bell->ring->scan_count);
        if (count == seen) {
            syscall(SYS_futex, &bell->ring->scan_count, FUTEX_WAIT, seen, NULL, NULL, 0);
        } else {
            seen = count;
            pthread_kill(bell->sleeper, SIGCHLD); /* which it is used to */
        }
    }
    return NULL;
}

void leak_bell_hang(struct leak_bell *bell, struct ring_header *ring)
{
    bell->ring = ring;
    bell->sleeper = pthread_self();
    bell->is_hung = pthread_create(&bell->thread, NULL, leak_bell_watch, bell) == 0;
}

void leak_bell_take_down(struct leak_bell *bell)
{
    if (bell->is_hung) {
        atomic_store(&bell->is_ending, true);
        atomic_fetch_add(&bell->ring->scan_count, 1); /* so that it does not fall asleep now */
        syscall(SYS_futex, &bell->ring->scan_count, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
        pthread_join(bell->thread, NULL);
        bell->is_hung = false;
    }
}
