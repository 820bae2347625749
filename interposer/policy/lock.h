/*
 * lock.h - a mutex of one word, for code that must neither allocate nor call pthreads.
 *
 * 0 free, 1 held, 2 held and somebody sleeps. Taken only off the fast paths.
 */
#ifndef ALLOCAUDIT_POLICY_LOCK_H
#define ALLOCAUDIT_POLICY_LOCK_H

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct policy_lock {
    _Atomic uint32_t word;
};

static inline void policy_futex(struct policy_lock *lock, int operation, uint32_t value)
{
    int saved = errno;
    syscall(SYS_futex, &lock->word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
    errno = saved;
}

/* False: somebody has it. */
static inline bool policy_try_lock(struct policy_lock *lock)
{
    uint32_t was = 0;
    return atomic_compare_exchange_strong_explicit(&lock->word, &was, 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

static inline void policy_lock(struct policy_lock *lock)
{
    if (policy_try_lock(lock)) {
        return;
    }
    while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0) {
        policy_futex(lock, FUTEX_WAIT, 2);
    }
}

static inline void policy_unlock(struct policy_lock *lock)
{
    if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2) {
        policy_futex(lock, FUTEX_WAKE, 1);
    }
}

#endif
