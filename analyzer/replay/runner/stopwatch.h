/*
 * stopwatch.h - the processor's own clock, for calls that take nanoseconds.
 */
#ifndef ALLOCAUDIT_STOPWATCH_H
#define ALLOCAUDIT_STOPWATCH_H

#include <stdint.h>
#include <time.h>

#include "trace_clock.h"

/* CLOCK_MONOTONIC, or another clock, in ns of real time. */
static inline uint64_t stopwatch_ns(clockid_t clock)
{
    struct timespec now;
    trace_clock_real(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of unknown frequency: compare with stopwatch_ns() over a longer time. */
static inline uint64_t stopwatch_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return stopwatch_ns(CLOCK_MONOTONIC);
#endif
}

#endif
