/*
 * leak_bell.h - wakes the collector, where it sleeps for a signal, as soon as a process asks for a
 * look at its memory: a thread that waits for that and for nothing else.
 */
#ifndef ALLOCAUDIT_LEAK_BELL_H
#define ALLOCAUDIT_LEAK_BELL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "../../../schema/ring.h"

struct leak_bell {
    struct ring_header *ring;
    pthread_t sleeper; /* the collector's thread, which takes signals by launch_wait() */
    pthread_t thread;
    bool is_hung; /* it exists */
    _Atomic bool is_ending;
};

/* To be called by the thread that is to be woken. Without a thread it is woken by time alone. */
void leak_bell_hang(struct leak_bell *bell, struct ring_header *ring);

/* A zeroed one is fine. The ring must still be there. */
void leak_bell_take_down(struct leak_bell *bell);

#endif
