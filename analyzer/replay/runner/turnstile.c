#include "turnstile.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SPINS = 2000,
    /* Where there is no membarrier, a wish may be overlooked: then the sleeper looks by itself. */
    SLEEP_NS = 2000000,
};

void turnstile_prepare(void)
{
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

void turnstile_init(struct turnstile *turnstile)
{
    atomic_init(&turnstile->count, 0);
    atomic_init(&turnstile->wanted, UINT64_MAX);
    atomic_init(&turnstile->bell, 0);
}

void turnstile_ring(struct turnstile *turnstile)
{
    atomic_store(&turnstile->wanted, UINT64_MAX);
    atomic_fetch_add(&turnstile->bell, 1);
    (void)syscall(SYS_futex, &turnstile->bell, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static uint64_t count_of(struct turnstile *turnstile)
{
    return atomic_load_explicit(&turnstile->count, memory_order_acquire);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Lowers `wanted` to count. */
static void wish(struct turnstile *turnstile, uint64_t count)
{
    uint64_t wanted = atomic_load(&turnstile->wanted);
    while (count < wanted && !atomic_compare_exchange_weak(&turnstile->wanted, &wanted, count)) {
    }
}

void turnstile_wait_slowly(struct turnstile *turnstile, uint64_t count)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (count_of(turnstile) >= count) {
            return;
        }
        pause_briefly();
    }
    while (count_of(turnstile) < count) {
        const struct timespec limit = {.tv_nsec = SLEEP_NS};
        uint32_t bell = atomic_load(&turnstile->bell);
        wish(turnstile, count);
        (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        if (count_of(turnstile) < count) {
            (void)syscall(SYS_futex, &turnstile->bell, FUTEX_WAIT_PRIVATE, bell, &limit, NULL, 0);
        }
    }
}
