#include "pace.h"

#include <time.h>

enum {
    SHORT_NS = 3000000, /* a few slices of the scheduler */
    LONG_NS = 50000000, /* what was before says nothing about now */
    MOST_PERCENT = 70,
};

static uint64_t pace_clock(clockid_t id)
{
    struct timespec now = {0};
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void pace_begin(struct pace *pace)
{
    pace->since_ns = pace_clock(CLOCK_MONOTONIC);
    pace->since_cpu_ns = pace_clock(CLOCK_THREAD_CPUTIME_ID);
}

bool pace_has_processor(struct pace *pace)
{
    uint64_t now_ns = pace_clock(CLOCK_MONOTONIC);
    uint64_t passed_ns = now_ns - pace->since_ns;
    if (passed_ns < SHORT_NS) {
        return false;
    }
    uint64_t cpu_ns = pace_clock(CLOCK_THREAD_CPUTIME_ID);
    bool has_processor = (cpu_ns - pace->since_cpu_ns) * 100 >= passed_ns * MOST_PERCENT;
    if (passed_ns > LONG_NS) {
        pace->since_ns = now_ns;
        pace->since_cpu_ns = cpu_ns;
    }
    return has_processor;
}
