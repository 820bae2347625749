/*
 * ticks.h - the stamp clock. Which one is used is the collector's choice (schema/ring.h).
 */
#ifndef ALLOCAUDIT_TICKS_H
#define ALLOCAUDIT_TICKS_H

#include <stdint.h>
#include <time.h>

#include "../schema/ring.h"

static inline uint64_t ticks_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* RING_CLOCK_TSC; on a processor that has no such counter it is never chosen. */
static inline uint64_t ticks_of_processor(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return ticks_monotonic();
#endif
}

static inline uint64_t ticks_now(uint32_t clock)
{
#if defined(__x86_64__)
    if (__builtin_expect(clock == RING_CLOCK_TSC, 1)) {
        return ticks_of_processor();
    }
#endif
    (void)clock;
    return ticks_monotonic();
}

#endif
