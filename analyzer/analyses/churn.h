/*
 * churn.h - threads that come and go, as far as they allocate: what each new one costs an
 * allocator. A thread's time is from its first event to its last.
 */
#ifndef ALLOCAUDIT_CHURN_H
#define ALLOCAUDIT_CHURN_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../model/trace.h"

struct churn {
    uint64_t thread_count;
    uint64_t at_once_max; /* most between their first and last event at one moment */
    uint64_t duration_ns; /* from the first event of any to the last */
    uint64_t life_p50_ns;
    uint64_t life_max_ns;
    uint64_t allocation_p50_count;
    uint64_t allocation_max_count;
    uint64_t idle_count; /* threads with fewer than CHURN_FEW allocations */
};

enum {
    CHURN_FEW = 100,
};

/* Of one process. Returns 0 or -ENOMEM. */
int churn_find(const struct trace *trace, uint32_t process_id, struct churn *out_churn,
               struct err *err);

#endif
