#include "halving.h"

#include <stdbool.h>

enum {
    LEAST_REPETITIONS = 2, /* of the last rung: one figure has no range */
};

/* The rungs for `count` settings; `last` repetitions in the last one. */
static struct halving_plan plan_of(size_t count, size_t beside, unsigned last)
{
    struct halving_plan plan = {.rung_count = 0};
    unsigned repetitions = 1;
    while (plan.rung_count < HALVING_RUNGS_MAX) {
        bool is_last = count <= HALVING_LAST || plan.rung_count + 1 == HALVING_RUNGS_MAX;
        struct halving_rung *rung = &plan.rungs[plan.rung_count++];
        *rung = (struct halving_rung){count, is_last ? last : repetitions};
        plan.replay_count += (uint64_t)(count + beside) * rung->repetitions;
        if (is_last) {
            return plan;
        }
        count = (count + 1) / 2;
        repetitions = repetitions * 2 < last ? repetitions * 2 : last;
    }
    return plan;
}

struct halving_plan halving_plan_make(size_t count, size_t beside, uint64_t budget)
{
    for (; count > 0; count--) {
        for (unsigned last = HALVING_REPETITIONS_MAX; last >= LEAST_REPETITIONS; last--) {
            struct halving_plan plan = plan_of(count, beside, last);
            if (plan.replay_count <= budget) {
                return plan;
            }
        }
    }
    return (struct halving_plan){.rung_count = 0};
}
