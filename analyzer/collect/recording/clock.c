#include "clock.h"

#include <stdbool.h>
#include <time.h>
#if defined(__x86_64__)
#    include <cpuid.h>
#    include <x86intrin.h>
#endif

#include "../../../schema/ring.h"

__extension__ typedef unsigned __int128 wide;

enum {
    CALIBRATION_NS = 10000000,
    INVARIANT_TSC = 1 << 8, /* CPUID 0x80000007, EDX */
    COST_READINGS = 200,
    COST_BATCHES = 20,
};

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t clock_cpu_ns(uint32_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

static bool clock_has_invariant_tsc(void)
{
#if defined(__x86_64__)
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & INVARIANT_TSC) != 0;
#else
    return false;
#endif
}

uint64_t clock_ticks(const struct clock *clock)
{
#if defined(__x86_64__)
    if (clock->kind == RING_CLOCK_TSC) {
        return __rdtsc();
    }
#endif
    (void)clock;
    return clock_monotonic_ns();
}

/* Both clocks at one moment: of several readings, the one that was least disturbed. */
static void clock_read_pair(const struct clock *clock, uint64_t *out_ticks, uint64_t *out_ns)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t before = clock_ticks(clock);
        uint64_t ns = clock_monotonic_ns();
        uint64_t after = clock_ticks(clock);
        if (after - before < best) {
            best = after - before;
            *out_ticks = before + (after - before) / 2;
            *out_ns = ns;
        }
    }
}

void clock_start(struct clock *clock)
{
    *clock = (struct clock){
        .kind = clock_has_invariant_tsc() ? RING_CLOCK_TSC : RING_CLOCK_MONOTONIC,
    };
    clock_read_pair(clock, &clock->start_ticks, &clock->start_monotonic_ns);
    clock->epoch_ticks = clock->start_ticks;
}

void clock_begin_run(struct clock *clock)
{
    clock->epoch_ticks = clock_ticks(clock);
}

/* A clock may step wider than a reading takes: many in a row, of which the least disturbed count.
 */
static uint64_t clock_measure_cost(const struct clock *clock)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < COST_BATCHES; i++) {
        uint64_t started = clock_ticks(clock);
        uint64_t ended = started;
        for (int j = 0; j < COST_READINGS; j++) {
            ended = clock_ticks(clock);
        }
        best = ended - started < best ? ended - started : best;
    }
    return (clock_span_ns(clock, best) + COST_READINGS / 2) / COST_READINGS;
}

static void clock_set_rate(struct clock *clock)
{
    if (clock->kind == RING_CLOCK_MONOTONIC) {
        clock->ns_per_tick_32 = UINT64_C(1) << 32;
        return;
    }
    uint64_t passed_ns = clock_monotonic_ns() - clock->start_monotonic_ns;
    if (passed_ns < CALIBRATION_NS) {
        struct timespec rest = {.tv_nsec = (long)(CALIBRATION_NS - passed_ns)};
        nanosleep(&rest, NULL);
    }
    uint64_t ticks = 0;
    uint64_t ns = 0;
    clock_read_pair(clock, &ticks, &ns);
    clock->ns_per_tick_32 =
        (uint64_t)(((wide)(ns - clock->start_monotonic_ns) << 32) / (ticks - clock->start_ticks));
}

void clock_calibrate(struct clock *clock)
{
    clock_set_rate(clock);
    clock->cost_ns = clock_measure_cost(clock);
}

uint64_t clock_span_ns(const struct clock *clock, uint64_t ticks)
{
    return (uint64_t)((wide)ticks * clock->ns_per_tick_32 >> 32);
}

uint64_t clock_span_ticks(const struct clock *clock, uint64_t ns)
{
    return (uint64_t)(((wide)ns << 32) / clock->ns_per_tick_32);
}

uint64_t clock_ns(const struct clock *clock, uint64_t ticks)
{
    return ticks <= clock->epoch_ticks ? 0 : clock_span_ns(clock, ticks - clock->epoch_ticks);
}
