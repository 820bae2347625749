/*
 * trace_clock.h - a clock that shows the recorded time, for allocators that give memory back after
 * a while.
 *
 * The program's own clock_gettime() stands before the C library's, also for a preloaded allocator.
 * It is the real one until trace_clock_set() is called. Single thread.
 */
#ifndef ALLOCAUDIT_TRACE_CLOCK_H
#define ALLOCAUDIT_TRACE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* From now on monotonic clocks stand at the time of the first call plus elapsed_ns. */
void trace_clock_set(uint64_t elapsed_ns);

/* The real clock, whatever was set. */
void trace_clock_real(clockid_t clock, struct timespec *out_now);

#endif
