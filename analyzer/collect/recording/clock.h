/*
 * clock.h - from the ticks of the ring's stamps to ns since the start of the run.
 */
#ifndef ALLOCAUDIT_CLOCK_H
#define ALLOCAUDIT_CLOCK_H

#include <stdint.h>

struct clock {
    uint32_t kind; /* enum ring_clock */
    uint64_t start_ticks;
    uint64_t epoch_ticks; /* moment 0 of the run */
    uint64_t start_monotonic_ns;
    uint64_t ns_per_tick_32; /* 32.32 fixed point; 0: not calibrated yet */
    uint64_t cost_ns;        /* what one reading adds to a span; 0: not calibrated yet */
};

/* Starts now. Chooses the time stamp counter if it is invariant, else CLOCK_MONOTONIC. */
void clock_start(struct clock *clock);

/*
 * Fixes the rate, from the time between clock_start() and now: once, before the first conversion,
 * so that the scale is the same for a whole run. Waits until 10 ms have passed (an error of some
 * 1e-5). Measures what a reading costs, too.
 */
void clock_calibrate(struct clock *clock);

uint64_t clock_ticks(const struct clock *clock);
uint64_t clock_monotonic_ns(void);

/* Makes now moment 0 of the run; until then that is clock_start(). */
void clock_begin_run(struct clock *clock);

/* The time that a process has spent on processors, user and system, without its children. 0: not
 * known, it is gone. */
uint64_t clock_cpu_ns(uint32_t pid);

/* ns since moment 0; earlier stamps give 0. */
uint64_t clock_ns(const struct clock *clock, uint64_t ticks);

/* A span in ns as ticks, and back. */
uint64_t clock_span_ticks(const struct clock *clock, uint64_t ns);
uint64_t clock_span_ns(const struct clock *clock, uint64_t ticks);

#endif
