/*
 * turnstile.h - how far a thread has got, and others that wait until it has got far enough.
 *
 * The thread itself pays a store and a load for each step. Who waits spins for a while and then
 * sleeps; before that it makes the kernel run a barrier on all processors, so that the thread
 * either sees the wish or the sleeper sees the step. One thread steps, any may wait.
 */
#ifndef ALLOCAUDIT_TURNSTILE_H
#define ALLOCAUDIT_TURNSTILE_H

#include <stdatomic.h>
#include <stdint.h>

struct turnstile {
    _Alignas(64) _Atomic uint64_t count;
    _Atomic uint64_t wanted; /* the least count that a sleeper wants; UINT64_MAX: nobody sleeps */
    _Atomic uint32_t bell;   /* a futex: rung when that was reached */
};

/* Once per process. */
void turnstile_prepare(void);

void turnstile_init(struct turnstile *turnstile);

void turnstile_ring(struct turnstile *turnstile);

/* Its thread has done `count` records. */
static inline void turnstile_step(struct turnstile *turnstile, uint64_t count)
{
    atomic_store_explicit(&turnstile->count, count, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    if (__builtin_expect(count >= atomic_load_explicit(&turnstile->wanted, memory_order_relaxed),
                         0)) {
        turnstile_ring(turnstile);
    }
}

void turnstile_wait_slowly(struct turnstile *turnstile, uint64_t count);

/* Returns once `count` records are done. */
static inline void turnstile_wait(struct turnstile *turnstile, uint64_t count)
{
    if (atomic_load_explicit(&turnstile->count, memory_order_acquire) < count) {
        turnstile_wait_slowly(turnstile, count);
    }
}

#endif
