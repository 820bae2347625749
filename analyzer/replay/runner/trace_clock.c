#include "trace_clock.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int clock_function(clockid_t clock, struct timespec *now);

static clock_function *real_clock; /* NULL: not looked up yet */
static bool is_set;
static uint64_t start_ns;
static uint64_t shown_ns;

__attribute__((constructor)) static void find_real_clock(void)
{
    *(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
}

static int read_real(clockid_t clock, struct timespec *now)
{
    if (real_clock != NULL) {
        return real_clock(clock, now);
    }
    return (int)syscall(SYS_clock_gettime, clock, now); /* an allocator's constructor asks */
}

void trace_clock_real(clockid_t clock, struct timespec *out_now)
{
    (void)read_real(clock, out_now);
}

void trace_clock_set(uint64_t elapsed_ns)
{
    if (!is_set) {
        struct timespec now;
        (void)read_real(CLOCK_MONOTONIC, &now);
        start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        is_set = true;
    }
    shown_ns = start_ns + elapsed_ns;
}

/* In the program's dynamic symbols, by the linker's option. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    bool is_monotonic =
        clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
    if (!is_set || !is_monotonic) {
        return read_real(clock, now);
    }
    now->tv_sec = (time_t)(shown_ns / 1000000000);
    now->tv_nsec = (long)(shown_ns % 1000000000);
    return 0;
}
