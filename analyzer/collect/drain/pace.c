#include "pace.h"

#include <time.h>

#include "../recording/clock.h"

enum {
    SHORT_NS = 3000000, /* a few slices of the scheduler */
    LONG_NS = 50000000, /* what was before says nothing about now */
    MOST_PERCENT = 70,
};

static uint64_t pace_cpu_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void pace_begin(struct pace *pace)
{
    pace->since_ns = clock_monotonic_ns();
    pace->since_cpu_ns = pace_cpu_ns();
}

bool pace_has_processor(struct pace *pace)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t passed_ns = now_ns - pace->since_ns;
    if (passed_ns < SHORT_NS) {
        return false;
    }
    uint64_t cpu_ns = pace_cpu_ns();
    bool has_processor = (cpu_ns - pace->since_cpu_ns) * 100 >= passed_ns * MOST_PERCENT;
    if (passed_ns > LONG_NS) {
        pace->since_ns = now_ns;
        pace->since_cpu_ns = cpu_ns;
    }
    return has_processor;
}
